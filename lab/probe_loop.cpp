#include "lab/probe_loop.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lab/clock.hpp"
#include "lab/realtime.hpp"

namespace vipra::lab {
namespace {

constexpr std::size_t kMaxTicks = 4'000'000;
constexpr int kMaxAtOnce = 1024;

struct Question {
  std::uint64_t tick = 0;
};

Result<UniqueFd> connected_socket(const Station& from, const IpAddress& to) {
  const Entered inside{from.net()};
  const int family = to.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd{::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail_errno("open a probe socket", errno);
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  socklen_t size = 0;
  if (to.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_port = htons(kProbePort);
    std::memcpy(&v4.sin_addr, to.bytes().data(), 4);
    size = sizeof v4;
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_port = htons(kProbePort);
    std::memcpy(&v6.sin6_addr, to.bytes().data(), 16);
    size = sizeof v6;
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0)
    return fail_errno("aim a probe at " + to.to_string(), errno);
  return fd;
}

}  // namespace

std::optional<ProbeAnswer> ProbeStream::answer(std::size_t tick) const noexcept {
  const auto packed = records_[tick].answer.load(std::memory_order_acquire);
  if (packed == 0) return std::nullopt;
  return ProbeAnswer{Duration{static_cast<Duration::rep>(packed >> 8U)},
                     static_cast<std::size_t>(packed & 0xffU) - 1};
}

Result<std::unique_ptr<ProbeLoop>> ProbeLoop::start(const Station& from,
                                                    const std::vector<IpAddress>& targets,
                                                    const IpAddress& control,
                                                    const std::vector<std::string>& names,
                                                    const ProbeOptions& options) {
  if (options.interval <= Duration::zero() || targets.empty())
    return fail(Errc::kInvalid, "nothing to probe");
  std::unique_ptr<ProbeLoop> loop{new ProbeLoop{options, names}};
  loop->capacity_ = std::min(static_cast<std::size_t>(options.limit / options.interval) + 1, kMaxTicks);
  auto all = targets;
  all.push_back(control);
  for (const auto& address : all) {
    auto socket = connected_socket(from, address);
    if (!socket) return tl::unexpected{socket.error()};
    loop->streams_.push_back(std::make_unique<ProbeStream>(address, std::move(*socket), loop->capacity_));
  }
  loop->start_ = now() + std::chrono::milliseconds{2};  // time for the thread to begin
  loop->thread_ = std::thread{[raw = loop.get()] { raw->run(); }};
  return loop;
}

ProbeLoop::~ProbeLoop() {
  stop();
}

void ProbeLoop::stop() {
  const std::lock_guard lock{stop_mutex_};
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

const std::string& ProbeLoop::name_of(std::size_t node) const {
  return node < names_.size() ? names_[node] : stranger_;
}

void ProbeLoop::run() {
  realtime_ = ask_for_realtime();
  std::size_t next = 0;
  while (!stop_ && next < capacity_) {
    const Duration due = next * options_.interval;
    if (now() - start_ < due) {
      wait_and_receive(due);
      continue;
    }
    const Duration at = now() - start_;
    // A late loop does not catch up with a burst: what it could not send, it says so.
    const auto current = std::min(static_cast<std::size_t>(at / options_.interval), capacity_ - 1);
    for (; next < current; ++next)
      for (const auto& stream : streams_) stream->record(next).sent_ns = -1;
    send_tick(next, at);
    ticks_.store(++next, std::memory_order_release);
  }
  const Duration end = now() - start_ + options_.late_after;
  while (now() - start_ < end) wait_and_receive(end);
  finished_.store(true, std::memory_order_release);
}

void ProbeLoop::send_tick(std::size_t tick, Duration at) {
  const Question question{tick};
  for (const auto& stream : streams_) {
    stream->record(tick).sent_ns = at.count();
    // Refused, unreachable, no buffer: all the same to a client, the probe gets no answer.
    [[maybe_unused]] const auto sent = ::send(stream->fd(), &question, sizeof question, MSG_NOSIGNAL);
  }
}

void ProbeLoop::wait_and_receive(Duration until) {
  std::vector<pollfd> ready;
  ready.reserve(streams_.size());
  for (const auto& stream : streams_) ready.push_back({stream->fd(), POLLIN, 0});
  const Duration left = std::max(start_ + until - now(), Duration::zero());
  timespec timeout{};
  timeout.tv_sec = left / std::chrono::seconds{1};
  timeout.tv_nsec = (left % std::chrono::seconds{1}).count();
  if (::ppoll(ready.data(), ready.size(), &timeout, nullptr) <= 0) return;
  for (std::size_t i = 0; i < streams_.size(); ++i)
    if (ready[i].revents != 0) receive_all(*streams_[i]);
}

void ProbeLoop::receive_all(ProbeStream& stream) {
  std::array<char, 256> text;
  for (int i = 0; i < kMaxAtOnce; ++i) {
    const ssize_t n = ::recv(stream.fd(), text.data(), text.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < static_cast<ssize_t>(sizeof(Question))) continue;  // an ICMP error about an earlier probe
    Question question;
    std::memcpy(&question, text.data(), sizeof question);
    if (question.tick > ticks()) continue;
    auto& record = stream.record(question.tick);
    if (record.sent_ns < 0 || record.answer != 0) continue;
    const std::string_view name{text.data() + sizeof question, static_cast<std::size_t>(n) - sizeof question};
    const auto node =
        static_cast<std::uint64_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
    const Duration round_trip = now() - start_ - Duration{record.sent_ns.load()};
    record.answer.store(
        static_cast<std::uint64_t>(round_trip.count()) << 8U | (std::min<std::uint64_t>(node, 254) + 1),
        std::memory_order_release);
    if (question.tick + 1 > stream.last_answered) stream.last_answered.store(question.tick + 1);
  }
}

}  // namespace vipra::lab
