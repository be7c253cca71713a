// What vipctl asks this node to do. Answers come from whoever serves the command, on any thread and when it
// likes; one that is dropped without an answer is an answer too ("the agent stops").
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace vipra::report::v1 {
class StandAsideReply;
class StandAsideRequest;
}  // namespace vipra::report::v1

namespace vipra::report {

class CommandAnswer {
 public:
  enum class Refusal : std::uint8_t { kInvalid, kNotFound, kNotNow };

  virtual ~CommandAnswer() = default;
  // Only the first of all calls counts.
  virtual void accept(const v1::StandAsideReply& reply) = 0;
  virtual void refuse(Refusal refusal, const std::string& why) = 0;  // one sentence for people
};
using CommandAnswerPtr = std::shared_ptr<CommandAnswer>;

// Called on threads of gRPC; must not block.
using OnCommand = std::function<void(const v1::StandAsideRequest&, CommandAnswerPtr)>;

}  // namespace vipra::report
