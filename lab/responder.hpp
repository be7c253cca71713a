// Answers each datagram on kProbePort, from the address it was asked on, with the datagram and the owner's
// name behind it. A process of its own inside the namespace, so that it dies when the machine "crashes".
#pragma once

#include <string>

#include "base/result.hpp"
#include "lab/child.hpp"
#include "lab/net_namespace.hpp"
#include "lab/spawner.hpp"

namespace vipra::lab {

// Bound to both families when this returns.
[[nodiscard]] Result<Child> start_responder(Spawner& spawner, const NetNamespace& net,
                                            const std::string& name);

}  // namespace vipra::lab
