#include "runtime/log_sink.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <span>
#include <vector>

#include "sys/unique_fd.hpp"

namespace vipra::runtime {
namespace {

constexpr std::size_t kStackSize = 256 * 1024;
constexpr long kPatienceNs = 200'000'000;

// The first whole lines of `text`, as many as fit PIPE_BUF; one line longer than that goes alone.
std::span<const char> first_piece(std::span<const char> text) {
  std::size_t end = 0;
  while (end < text.size()) {
    const auto from = text.begin() + static_cast<std::ptrdiff_t>(end);
    const auto newline = std::find(from, text.end(), '\n');
    const auto next = static_cast<std::size_t>(newline - text.begin()) + (newline == text.end() ? 0 : 1);
    if (end != 0 && next > PIPE_BUF) break;
    end = next;
  }
  return text.first(end);
}

std::uint64_t count_lines(std::span<const char> text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// False if the target refuses. Waits as long as it takes: this thread has nothing else to do.
bool write_all(int fd, std::span<const char> text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written > 0) {
      text = text.subspan(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd target{fd, POLLOUT, 0};
      ::poll(&target, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

class Lock {
 public:
  explicit Lock(pthread_mutex_t& mutex) noexcept : mutex_{mutex} { ::pthread_mutex_lock(&mutex_); }
  ~Lock() { ::pthread_mutex_unlock(&mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  pthread_mutex_t& mutex_;
};

}  // namespace

struct LogSink::Shared {
  // A descriptor of its own: a thread left behind in write(2) must not find another file under the old
  // number.
  Shared(int target, std::size_t capacity)
      : owned{::fcntl(target, F_DUPFD_CLOEXEC, 3)}, fd{owned ? owned.get() : target} {
    queued.reserve(capacity);
    writing.reserve(capacity);
    pthread_mutexattr_t mutex_attributes;
    ::pthread_mutexattr_init(&mutex_attributes);
    ::pthread_mutexattr_setprotocol(&mutex_attributes, PTHREAD_PRIO_INHERIT);
    ::pthread_mutex_init(&mutex, &mutex_attributes);
    ::pthread_mutexattr_destroy(&mutex_attributes);
    pthread_condattr_t condition_attributes;
    ::pthread_condattr_init(&condition_attributes);
    ::pthread_condattr_setclock(&condition_attributes, CLOCK_MONOTONIC);
    ::pthread_cond_init(&wake, &condition_attributes);
    ::pthread_cond_init(&idle, &condition_attributes);
    ::pthread_condattr_destroy(&condition_attributes);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    ::pthread_cond_destroy(&idle);
    ::pthread_cond_destroy(&wake);
    ::pthread_mutex_destroy(&mutex);
  }

  void drain() {
    while (take()) {
      for (std::span<const char> rest{writing}; !rest.empty();) {
        const auto piece = first_piece(rest);
        if (!write_all(fd, piece)) dropped.fetch_add(count_lines(piece), std::memory_order_relaxed);
        rest = rest.subspan(piece.size());
      }
      writing.clear();
    }
  }

  // Waits for lines and moves them to `writing`; false when there will be no more.
  bool take() {
    const Lock lock{mutex};
    busy = false;
    if (queued.empty()) ::pthread_cond_broadcast(&idle);
    while (queued.empty() && !stopping) ::pthread_cond_wait(&wake, &mutex);
    if (queued.empty()) return false;
    std::swap(queued, writing);
    busy = true;
    return true;
  }

  // True when everything is written; false when patience ended first, and what is queued is given up.
  bool finish() {
    timespec until{};
    ::clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += kPatienceNs;
    until.tv_sec += until.tv_nsec / 1'000'000'000;
    until.tv_nsec %= 1'000'000'000;
    const Lock lock{mutex};
    int rc = 0;
    while ((busy || !queued.empty()) && rc == 0) rc = ::pthread_cond_timedwait(&idle, &mutex, &until);
    const bool finished = !busy && queued.empty();
    queued.clear();
    stopping = true;
    ::pthread_cond_signal(&wake);
    return finished;
  }

  const sys::UniqueFd owned;
  const int fd;
  pthread_mutex_t mutex{};
  pthread_cond_t wake{};
  pthread_cond_t idle{};
  std::vector<char> queued;   // guarded by mutex, as are busy and stopping; never grows beyond its capacity
  std::vector<char> writing;  // the thread's
  bool busy = false;
  bool stopping = false;
  std::atomic<std::uint64_t> dropped{0};
};

LogSink::LogSink(int fd, std::size_t capacity) : shared_{std::make_shared<Shared>(fd, capacity)} {}

void* LogSink::thread_main(void* shared) {
  const std::unique_ptr<std::shared_ptr<Shared>> own{static_cast<std::shared_ptr<Shared>*>(shared)};
  (*own)->drain();
  return nullptr;
}

void LogSink::start() {
  if (thread_) return;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackSize);
  ::pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  ::pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto own = std::make_unique<std::shared_ptr<Shared>>(shared_);
  pthread_t thread{};
  if (::pthread_create(&thread, &attributes, thread_main, own.get()) == 0) {
    (void)own.release();  // the thread's now
    thread_ = thread;
    ::pthread_setname_np(thread, "log");
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
}

LogSink::~LogSink() {
  if (!thread_) return;
  if (shared_->finish()) {
    ::pthread_join(*thread_, nullptr);
  } else {
    ::pthread_detach(*thread_);
  }
}

void LogSink::write_line(std::string_view line) noexcept {
  const Lock lock{shared_->mutex};
  if (shared_->queued.size() + line.size() > shared_->queued.capacity()) {
    shared_->dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  shared_->queued.insert(shared_->queued.end(), line.begin(), line.end());
  ::pthread_cond_signal(&shared_->wake);
}

std::uint64_t LogSink::dropped() const noexcept {
  return shared_->dropped.load(std::memory_order_relaxed);
}

}  // namespace vipra::runtime
