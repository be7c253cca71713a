#include "agent/supervisor/speaker_link.hpp"

#include <fcntl.h>

#include <utility>

#include "channel/protocol.hpp"

namespace vipra::supervisor {

namespace wire = channel::v1;
using sys::Received;
using sys::SendOutcome;

SpeakerLink::SpeakerLink(sys::UniqueFd fd, runtime::EventLoop& loop, HandleTable& handles,
                         const KeptState& kept, const log::Logger& log, Events events)
    : socket_{std::move(fd)},
      loop_{loop},
      handles_{handles},
      kept_{kept},
      log_{log},
      events_{std::move(events)} {}

SpeakerLink::~SpeakerLink() {
  loop_.unwatch(socket_.fd());
}

Status SpeakerLink::watch() {
  return loop_.watch(socket_.fd(), EPOLLIN, [this](std::uint32_t events) { on_ready(events); });
}

void SpeakerLink::begin(const wire::Hello& own, const Shared& shared) {
  wire::ToSpeaker message;
  *message.mutable_hello() = own;
  send(message);

  auto* table = message.mutable_handles();
  table->add_handles()->set_kind(wire::HANDLE_KIND_OWNED_PAGE);
  table->add_handles()->set_kind(wire::HANDLE_KIND_HANG_ALARM);
  std::vector<int> fds{shared.owned_page, shared.hang_alarm};
  for (const auto& [key, fd] : handles_.all()) {
    if (fds.size() == channel::kMaxHandlesInMessage) {
      send(message, fds);
      table->Clear();
      fds.clear();
    }
    auto* item = table->add_handles();
    item->set_kind(key.kind);
    item->set_interface_index(key.interface_index);
    fds.push_back(fd.get());
  }
  table->set_last(true);
  send(message, fds);

  if (kept_.has_desired()) send_desired();
  if (kept_.has_contributions()) send_contributions();
}

void SpeakerLink::send_desired() {
  wire::ToSpeaker message;
  *message.mutable_desired_state() = kept_.desired_ref();
  const int fd = kept_.desired_fd();
  desired_owed_ = !try_send(message, {&fd, 1});
  update_interest();
}

void SpeakerLink::send_contributions() {
  const auto file = kept_.contributions();
  if (!file) {
    log_.error("speaker.contributions_not_sent", {{"error", file.error().what}});
    return;
  }
  wire::ToSpeaker message;
  *message.mutable_contribution_set() = file->ref;
  const int fd = file->fd.get();
  contributions_owed_ = !try_send(message, {&fd, 1});
  update_interest();
}

void SpeakerLink::send_delta(const wire::ContributionDelta& delta) {
  wire::ToSpeaker message;
  *message.mutable_contribution_delta() = delta;
  // In place of a delta that finds no room, the whole set follows: nothing is lost, nothing is queued.
  if (contributions_owed_ || !try_send(message, {})) contributions_owed_ = true;
  update_interest();
}

void SpeakerLink::request_resync() {
  wire::ToSpeaker message;
  message.mutable_resync();
  send(message);
}

void SpeakerLink::release() {
  wire::ToSpeaker message;
  message.mutable_release();
  send(message);
}

void SpeakerLink::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush();
  if (!broken_ && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive();
}

void SpeakerLink::receive() {
  for (int i = 0; i < kMessagesInOneTurn && receive_one(); ++i) {
  }
}

void SpeakerLink::receive_rest() {
  events_.broken = [](std::string_view) {};
  while (receive_one()) {
  }
}

bool SpeakerLink::receive_one() {
  if (broken_) return false;
  auto got = socket_.receive();
  if (got.kind == Received::Kind::kNothing) return false;
  if (got.kind == Received::Kind::kClosed) {
    break_off(kClosed);
  } else if (got.kind == Received::Kind::kTruncated || !channel::decode(got.bytes, incoming_)) {
    break_off("it sent a malformed message");
  } else {
    handle(std::move(got.fds));
  }
  return !broken_;
}

void SpeakerLink::handle(std::vector<sys::UniqueFd> fds) {
  if (!fds.empty()) return break_off("it sent a descriptor, which no message of a speaker has");
  if (incoming_.has_hello()) {
    const auto checked = channel::check_hello(incoming_.hello(), wire::ROLE_SPEAKER);
    if (!checked) return break_off(checked.error().what);
    events_.hello(incoming_.hello());
  } else if (incoming_.has_open_handle()) {
    answer_open(incoming_.open_handle().handle());
  } else if (incoming_.has_close_handle()) {
    const auto& handle = incoming_.close_handle().handle();
    handles_.close({handle.kind(), handle.interface_index()});
  } else if (incoming_.has_agent_message()) {
    const auto& bytes = incoming_.agent_message();
    events_.agent_message({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  } else if (incoming_.has_released()) {
    events_.released();
  }
}

void SpeakerLink::answer_open(const wire::Handle& handle) {
  wire::ToSpeaker message;
  auto& answer = *message.mutable_handle_opened();
  *answer.mutable_handle() = handle;
  const auto fd = handles_.open({handle.kind(), handle.interface_index()});
  if (!fd) {
    log_.warning("handle.not_opened", {{"kind", wire::HandleKind_Name(handle.kind())},
                                       {"interface_index", handle.interface_index()},
                                       {"error", fd.error().what}});
    answer.set_error(fd.error().what);
    return send(message);
  }
  send(message, {&*fd, 1});
}

void SpeakerLink::send(const wire::ToSpeaker& message, std::span<const int> fds) {
  if (!try_send(message, fds)) queue(message, fds);
  update_interest();
}

bool SpeakerLink::try_send(const wire::ToSpeaker& message, std::span<const int> fds) {
  if (broken_ || full_ || !waiting_.empty()) return false;
  const auto outcome = channel::send(socket_, encoder_, message, fds);
  if (!outcome) {
    log_.error("speaker.message_not_sent", {{"error", outcome.error().what}});
    return true;  // it will never fit; trying again would not help
  }
  // A closed link is noticed, and acted upon, when it is read.
  full_ = *outcome == SendOutcome::kWouldBlock;
  return !full_;
}

void SpeakerLink::queue(const wire::ToSpeaker& message, std::span<const int> fds) {
  if (broken_) return;
  if (waiting_.size() >= kMostWaiting) return break_off("it does not read its messages");
  const auto bytes = encoder_.encode(message);
  if (!bytes) return;
  auto& item = waiting_.emplace_back();
  item.bytes.assign(bytes->begin(), bytes->end());
  for (const int fd : fds) item.fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

void SpeakerLink::flush() {
  full_ = false;
  while (!waiting_.empty() && !full_) {
    std::vector<int> fds;
    for (const auto& fd : waiting_.front().fds) fds.push_back(fd.get());
    full_ = socket_.send(waiting_.front().bytes, fds) == SendOutcome::kWouldBlock;
    if (!full_) waiting_.pop_front();
  }
  if (desired_owed_ && waiting_.empty() && !full_) send_desired();
  if (contributions_owed_ && waiting_.empty() && !full_) {
    contributions_owed_ = false;
    send_contributions();
  }
  update_interest();
}

void SpeakerLink::update_interest() {
  const bool wanted = !broken_ && (full_ || !waiting_.empty() || desired_owed_ || contributions_owed_);
  if (wanted == wants_write_) return;
  wants_write_ = wanted;
  if (auto status = loop_.modify(socket_.fd(), EPOLLIN | (wanted ? EPOLLOUT : 0U)); !status) {
    log_.error("supervisor.loop_failed", {{"error", status.error().what}});
  }
}

void SpeakerLink::break_off(std::string_view why) {
  if (broken_) return;
  broken_ = true;
  loop_.unwatch(socket_.fd());
  events_.broken(why);
}

}  // namespace vipra::supervisor
