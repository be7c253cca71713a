// A machine that boots knows no packet filter and no connection of before. Its namespace here outlives a
// crash, and would.
#pragma once

#include "lab/net_namespace.hpp"

namespace vipra::lab::kube {

[[nodiscard]] Status forget_filters_and_connections(const NetNamespace& net);

}  // namespace vipra::lab::kube
