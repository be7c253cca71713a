// api/crd/virtualip.schema.yaml as the build embeds it: JSON, without the descriptions.
#pragma once

#include <string_view>

namespace vipra::definitions {

[[nodiscard]] std::string_view embedded_schema() noexcept;

}  // namespace vipra::definitions
