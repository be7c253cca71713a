#include "runtime/log_sink.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>

namespace vipra::runtime {

struct LogSink::Shared {
  Shared(int target, std::size_t capacity) : fd{target} {
    queued.reserve(capacity);
    writing.reserve(capacity);
  }
  const int fd;
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable idle;
  std::vector<char> queued;   // guarded by mutex; never grows beyond its first capacity
  std::vector<char> writing;  // the thread's
  bool busy = false;
  bool stopping = false;
  std::atomic<std::uint64_t> dropped{0};

  void drain() {
    std::unique_lock lock{mutex};
    while (true) {
      wake.wait(lock, [this] { return stopping || !queued.empty(); });
      if (queued.empty()) break;
      std::swap(queued, writing);
      busy = true;
      lock.unlock();
      for (std::size_t done = 0; done < writing.size();) {
        const auto written = ::write(fd, writing.data() + done, writing.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;  // the reader is gone: nobody is left to tell
        done += static_cast<std::size_t>(written);
      }
      writing.clear();
      lock.lock();
      busy = false;
      if (queued.empty()) idle.notify_all();
    }
  }
};

LogSink::LogSink(int fd, std::size_t capacity) : shared_{std::make_shared<Shared>(fd, capacity)} {}

void LogSink::start() {
  thread_ = std::thread{[shared = shared_] { shared->drain(); }};
  ::pthread_setname_np(thread_.native_handle(), "log");
}

LogSink::~LogSink() {
  if (!thread_.joinable()) return;
  bool finished = false;
  {
    std::unique_lock lock{shared_->mutex};
    finished = shared_->idle.wait_for(lock, std::chrono::milliseconds{200},
                                      [this] { return shared_->queued.empty() && !shared_->busy; });
    shared_->stopping = true;
    if (!finished) shared_->queued.clear();
  }
  shared_->wake.notify_one();
  if (finished) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void LogSink::write_line(std::string_view line) noexcept {
  {
    const std::lock_guard lock{shared_->mutex};
    if (shared_->queued.size() + line.size() > shared_->queued.capacity()) {
      shared_->dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    shared_->queued.insert(shared_->queued.end(), line.begin(), line.end());
  }
  shared_->wake.notify_one();
}

std::uint64_t LogSink::dropped() const noexcept {
  return shared_->dropped.load(std::memory_order_relaxed);
}

}  // namespace vipra::runtime
