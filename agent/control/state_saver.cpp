#include "agent/control/state_saver.hpp"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace vipra::control {

struct StateSaver::Shared {
  Shared(source::LastGoodFile target, const log::Logger& logger) : file{std::move(target)}, log{logger} {}

  void work() {
    std::unique_lock lock{mutex};
    while (true) {
      wake.wait(lock, [this] { return stopping || waiting.has_value(); });
      if (!waiting) break;
      const auto content = std::move(*waiting);
      waiting.reset();
      lock.unlock();
      report(file.save(content));
      lock.lock();
    }
    ended = true;
    done.notify_all();
  }

  // The thread's alone.
  void report(const Status& status) {
    const auto trouble = status ? std::string{} : status.error().what;
    if (trouble == last_trouble) return;
    last_trouble = trouble;
    if (status) {
      log.info("state.saved", {{"detail", "the last good definitions are on disk again"}});
    } else {
      log.error("state.not_saved",
                {{"error", trouble},
                 {"consequence", "a restart while the definitions cannot be read would use old ones"}});
    }
  }

  source::LastGoodFile file;
  const log::Logger& log;
  std::string last_trouble;
  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::condition_variable done;
  std::optional<source::LastGood> waiting;
  bool stopping = false;
  bool ended = false;
};

StateSaver::StateSaver(source::LastGoodFile file, const log::Logger& log)
    : shared_{std::make_shared<Shared>(std::move(file), log)},
      thread_{[shared = shared_] { shared->work(); }} {
  ::pthread_setname_np(thread_.native_handle(), "state");
}

StateSaver::~StateSaver() {
  (void)finish(std::chrono::hours{1});
  if (thread_.joinable()) thread_.detach();
}

void StateSaver::save(source::LastGood content) {
  {
    const std::lock_guard lock{shared_->mutex};
    shared_->waiting = std::move(content);
  }
  shared_->wake.notify_one();
}

bool StateSaver::finish(std::chrono::milliseconds limit) {
  if (!thread_.joinable()) return true;
  {
    std::unique_lock lock{shared_->mutex};
    shared_->stopping = true;
    shared_->wake.notify_one();
    if (!shared_->done.wait_for(lock, limit, [this] { return shared_->ended; })) return false;
  }
  thread_.join();
  return true;
}

}  // namespace vipra::control
