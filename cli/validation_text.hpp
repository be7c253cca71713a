// `vipctl validate`: the verdict on files. Pure.
#pragma once

#include <string>

#include "source/validate.hpp"

namespace vipra::cli {

[[nodiscard]] std::string validation_text(const source::ValidationReport& report);
[[nodiscard]] std::string validation_json(const source::ValidationReport& report);

}  // namespace vipra::cli
