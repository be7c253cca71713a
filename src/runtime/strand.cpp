#include "runtime/strand.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace vipra::runtime {

struct Strand::Queue {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Task> tasks;
  std::multimap<Clock::time_point, Task> timers;
  bool stopping = false;
  std::thread thread;
  std::mutex joining;

  // The next task, waiting for it; none at the end.
  Task next() {
    std::unique_lock lock{mutex};
    while (true) {
      if (!tasks.empty()) {
        Task task = std::move(tasks.front());
        tasks.pop_front();
        return task;
      }
      if (stopping) return {};
      if (timers.empty()) {
        wake.wait(lock);
        continue;
      }
      const auto due = timers.begin()->first;
      if (Clock::now() < due) {
        wake.wait_until(lock, due);
        continue;
      }
      Task task = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      return task;
    }
  }

  void run() {
    while (Task task = next()) task();
  }
};

Strand::Strand() : queue_{std::make_unique<Queue>()} {
  queue_->thread = std::thread{[queue = queue_.get()] { queue->run(); }};
}

Strand::~Strand() {
  stop();
}

void Strand::post(Task task) {
  {
    const std::lock_guard lock{queue_->mutex};
    if (queue_->stopping) return;
    queue_->tasks.push_back(std::move(task));
  }
  queue_->wake.notify_one();
}

void Strand::after(std::chrono::nanoseconds delay, Task task) {
  {
    const std::lock_guard lock{queue_->mutex};
    if (queue_->stopping) return;
    queue_->timers.emplace(Clock::now() + delay, std::move(task));
  }
  queue_->wake.notify_one();
}

void Strand::stop() {
  const std::lock_guard joining{queue_->joining};
  {
    const std::lock_guard lock{queue_->mutex};
    queue_->stopping = true;
  }
  queue_->wake.notify_one();
  if (queue_->thread.joinable()) queue_->thread.join();
  // What they hold is let go of without the lock.
  std::multimap<Clock::time_point, Task> timers;
  const std::lock_guard lock{queue_->mutex};
  timers.swap(queue_->timers);
}

}  // namespace vipra::runtime
