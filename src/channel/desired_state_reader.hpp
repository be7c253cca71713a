// The walk over a serialised DesiredState, with the judgement of every field. convert.hpp is what others use.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/result.hpp"
#include "channel/convert.hpp"
#include "plan/desired_state.hpp"

namespace vipra::channel {

struct DesiredStateSinks {
  std::function<void(plan::VirtualRouter&&)> router;  // in the order of the bytes, which is that of the ids
  std::function<void(plan::Peer&&)> peer;
};
// The sinks may have been called before an error is found.
[[nodiscard]] Result<DesiredStateSummary> walk_desired_state(std::span<const std::uint8_t> bytes,
                                                             const DesiredStateSinks& sinks);

}  // namespace vipra::channel
