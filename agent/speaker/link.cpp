#include "agent/speaker/link.hpp"

namespace vipra::agent {

void Link::request(const channel::v1::FromSpeaker& message) {
  queue_.push_back(message);
  flush();
}

void Link::flush() {
  blocked_ = false;
  while (!queue_.empty()) {
    const auto outcome = channel::send(socket_, encoder_, queue_.front());
    if (!outcome) log_.error("speaker.message_refused", {{"error", outcome.error().what}});
    if (outcome && *outcome == sys::SendOutcome::kWouldBlock) {
      blocked_ = true;
      return;
    }
    queue_.pop_front();
  }
}

bool Link::try_publish(const channel::v1::AgentMessage& message) {
  if (blocked_ || !queue_.empty()) return false;
  message.SerializeToString(outgoing_.mutable_agent_message());
  const auto outcome = channel::send(socket_, encoder_, outgoing_);
  if (!outcome) {
    log_.error("speaker.snapshot_refused", {{"error", outcome.error().what}});
    return true;  // trying the same again would fail the same way
  }
  blocked_ = *outcome == sys::SendOutcome::kWouldBlock;
  return !blocked_;
}

bool Link::receive(const Handler& handler) {
  for (;;) {
    auto received = socket_.receive();
    switch (received.kind) {
      case sys::Received::Kind::kNothing:
        return true;
      case sys::Received::Kind::kClosed:
        return false;
      case sys::Received::Kind::kTruncated:
        continue;
      case sys::Received::Kind::kMessage:
        break;
    }
    if (!channel::decode(received.bytes, incoming_)) {
      log_.error("speaker.message_malformed", {{"bytes", received.bytes.size()}});
      continue;
    }
    handler(incoming_, std::move(received.fds));
  }
}

}  // namespace vipra::agent
