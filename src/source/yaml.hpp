// YAML -> JSON as Kubernetes reads it (sigs.k8s.io/yaml): quoted scalars are strings; plain ones may be null,
// true, false, an integer or a float; anchors, aliases and "<<" work, with every copy counted against the
// limits. Kubernetes' reader still knows YAML 1.1: y, yes, no, on, off are booleans there, and so they are
// here (the schema then says "put it in quotes"). A number with a leading zero is refused, because it is
// octal to that reader and decimal to people. Explicit tags other than the core ones, duplicate keys and keys
// that are no scalars are refused.
#pragma once

#include <string_view>

#include "source/document.hpp"

namespace vipra::source {

// A stream of documents. Never throws.
[[nodiscard]] Documents parse_yaml(std::string_view text, const DocumentLimits& limits = {});

}  // namespace vipra::source
