// One router of a serialised DesiredState, judged field by field. Private to this module.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "plan/desired_state.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::channel {

// The error names the router and the field.
[[nodiscard]] Result<plan::VirtualRouter> read_router(const v1::VirtualRouter& wire);

// What other parts of the message are judged by, too.
[[nodiscard]] bool is_text(std::string_view text, std::size_t limit);
[[nodiscard]] std::optional<IpAddress> address_of(const std::string& wire);
[[nodiscard]] bool can_be_carried(const IpAddress& ip);

}  // namespace vipra::channel
