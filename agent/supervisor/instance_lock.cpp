#include "agent/supervisor/instance_lock.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace vipra::supervisor {
namespace {

constexpr int kBacklog = 4096;
// A socket that is bound but does not listen: an agent does so for microseconds, so somebody else's after
// this many looks.
constexpr int kPatientLooks = 20;
constexpr int kLookAgainMs = 100;

struct Address {
  sockaddr_un value{};
  socklen_t length = 0;

  explicit Address(std::string_view name) {
    value.sun_family = AF_UNIX;
    std::memcpy(value.sun_path + 1, name.data(), name.size());
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&value); }
};

sys::UniqueFd make_socket() {
  return sys::UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

enum class Wake { kChanged, kStop };

// Until the peer of `fd` is gone (-1: for a moment) or somebody wants us to stop.
Wake wait_for(int fd, int timeout_ms, int stop_fd) {
  std::array<pollfd, 2> fds{{{stop_fd, POLLIN, 0}, {fd, POLLIN, 0}}};
  while (::poll(fds.data(), fds.size(), timeout_ms) < 0 && errno == EINTR) {
  }
  return fds[0].revents != 0 ? Wake::kStop : Wake::kChanged;
}

// The lock of one name.
class Candidate {
 public:
  Candidate(std::string_view name, int stop_fd, const log::Logger& log,
            const std::function<void(const std::string&)>& waiting)
      : name_{name}, address_{name}, stop_fd_{stop_fd}, log_{log}, waiting_{waiting} {}

  enum class Outcome { kHeld, kStranger, kStop };

  Result<Outcome> acquire() {
    for (int silent_looks = 0; silent_looks < kPatientLooks;) {
      socket_ = make_socket();
      if (!socket_) return fail_errno("cannot make the lock's socket", errno);
      if (::bind(socket_.get(), address_.get(), address_.length) == 0) {
        if (::listen(socket_.get(), kBacklog) < 0)
          return fail_errno("cannot listen on the lock's socket", errno);
        return Outcome::kHeld;
      }
      if (errno != EADDRINUSE) return fail_errno("cannot bind the lock's socket", errno);
      const auto met = meet_holder();
      if (met == Meeting::kStop) return Outcome::kStop;
      if (met == Meeting::kStranger) return Outcome::kStranger;
      silent_looks = met == Meeting::kSilent ? silent_looks + 1 : 0;
    }
    log_.warning("supervisor.lock_ignored", {{"name", name_}, {"detail", "its holder does not listen"}});
    return Outcome::kStranger;
  }
  sys::UniqueFd take() { return std::move(socket_); }

 private:
  // kCrowded: it listens, but so many wait already that nothing more is to be learnt.
  enum class Meeting { kGone, kCrowded, kSilent, kStranger, kStop };

  Meeting meet_holder() {
    const auto peer = make_socket();
    if (::connect(peer.get(), address_.get(), address_.length) < 0) {
      const auto met = errno == EAGAIN ? Meeting::kCrowded : Meeting::kSilent;
      return wait_for(-1, kLookAgainMs, stop_fd_) == Wake::kStop ? Meeting::kStop : met;
    }
    ucred holder{};
    socklen_t length = sizeof holder;
    if (::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &holder, &length) < 0) return Meeting::kSilent;
    if (holder.uid != 0) {
      log_.warning("supervisor.lock_ignored", {{"name", name_},
                                               {"holder_pid", holder.pid},
                                               {"holder_uid", holder.uid},
                                               {"detail", "its holder is not root, so it is no agent"}});
      return Meeting::kStranger;
    }
    log_.warning("supervisor.waiting_for_lock", {{"name", name_},
                                                 {"holder_pid", holder.pid},
                                                 {"holder_uid", holder.uid},
                                                 {"detail", "another agent runs in this network namespace"}});
    if (waiting_) waiting_("pid " + std::to_string(holder.pid));
    return wait_for(peer.get(), -1, stop_fd_) == Wake::kStop ? Meeting::kStop : Meeting::kGone;
  }

  std::string_view name_;
  Address address_;
  int stop_fd_;
  const log::Logger& log_;
  const std::function<void(const std::string&)>& waiting_;
  sys::UniqueFd socket_;
};

}  // namespace

Result<std::optional<InstanceLock>> InstanceLock::acquire(
    int stop_fd, const log::Logger& log, const std::function<void(const std::string& holder)>& waiting) {
  InstanceLock lock;
  for (const auto name : kLockNames) {
    Candidate candidate{name, stop_fd, log, waiting};
    const auto outcome = candidate.acquire();
    if (!outcome) return tl::unexpected{outcome.error()};
    if (*outcome == Candidate::Outcome::kStop) return std::nullopt;
    if (*outcome == Candidate::Outcome::kHeld) lock.sockets_.push_back(candidate.take());
  }
  if (lock.sockets_.empty()) {
    log.error("supervisor.no_lock",
              {{"detail", "strangers hold every name of the lock: a second agent would not wait"}});
  }
  return lock;
}

}  // namespace vipra::supervisor
