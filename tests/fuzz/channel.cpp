// Everything that the agent decodes of what control, or a speaker, says. The first byte picks the decoder.
// What is accepted must be acceptable again once it was written anew.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "channel/convert.hpp"
#include "channel/framing.hpp"
#include "channel/protocol.hpp"

namespace {

using Bytes = std::span<const std::uint8_t>;

std::vector<std::uint8_t> serialised(const google::protobuf::MessageLite& message) {
  const auto text = message.SerializeAsString();
  return {text.begin(), text.end()};
}

void desired_state(Bytes bytes) {
  const auto state = vipra::channel::read_desired_state(bytes);
  VIPRA_CHECK(vipra::channel::check_desired_state(bytes).has_value() == state.has_value());
  if (!state) return;
  const auto again = vipra::channel::read_desired_state(serialised(vipra::channel::to_proto(*state)));
  VIPRA_CHECK(again && again->routers == state->routers && again->peers == state->peers);
}

void contribution_set(Bytes bytes) {
  const auto list = vipra::channel::read_contribution_set(bytes);
  if (!list) return;
  vipra::channel::v1::ContributionSet set;
  for (const auto& item : *list) *set.add_contributions() = vipra::channel::to_proto(item);
  const auto again = vipra::channel::read_contribution_set(serialised(set));
  VIPRA_CHECK(again && *again == *list);
}

void control_message(Bytes bytes) {
  vipra::channel::v1::ControlMessage message;
  if (!vipra::channel::decode(bytes, message)) return;
  (void)vipra::channel::check_hello(message.hello(), vipra::channel::v1::ROLE_CONTROL);
  (void)vipra::channel::from_proto(message.contribution_delta());
}

void from_speaker(Bytes bytes) {
  vipra::channel::v1::FromSpeaker message;
  if (!vipra::channel::decode(bytes, message)) return;
  vipra::channel::v1::AgentMessage inner;
  const auto& text = message.agent_message();
  (void)vipra::channel::decode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, inner);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  vipra::channel::silence_protobuf_log();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest{data + 1, size - 1};
  switch (data[0] % 4) {
    case 0:
      desired_state(rest);
      break;
    case 1:
      contribution_set(rest);
      break;
    case 2:
      control_message(rest);
      break;
    default:
      from_speaker(rest);
      break;
  }
  return 0;
}
