// One file's text -> the objects in it. JSON or YAML, one or many documents, `List` objects of any version
// (what `kubectl get -o json` writes) taken apart. Pure: reading the file is somebody else's.
#pragma once

#include <string>
#include <string_view>

#include "definitions/raw_object.hpp"
#include "source/document.hpp"

namespace vipra::source {

inline constexpr std::size_t kMaxObjectsPerFile = 4096;

// `name` is how the file is shown. Text without any object is a problem (an emptied file is not a deletion),
// except for comments and an empty List, which somebody has written on purpose.
[[nodiscard]] definitions::InputFile split(std::string_view name, std::string_view text,
                                           const DocumentLimits& limits = {});

// A file that holds nothing but one problem, and takes nothing away.
[[nodiscard]] definitions::InputFile unreadable_file(std::string_view name, Reason reason,
                                                     std::string message);

}  // namespace vipra::source
