// One thread that runs what it is given, in order, and what is due: for adapters to libraries that call back
// on threads of their own. What lives on a strand needs no lock.
//
// Threading: post() and after() from anywhere, also from what runs on the strand. Nothing runs after stop(),
// and what is posted then is dropped.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace vipra::runtime {

class Strand {
 public:
  using Task = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  Strand();
  ~Strand();  // stops
  Strand(const Strand&) = delete;
  Strand& operator=(const Strand&) = delete;

  void post(Task task);
  void after(std::chrono::nanoseconds delay, Task task);

  // Runs what was posted before, but waits for no time, and joins the thread. Not from the strand itself.
  void stop();

 private:
  struct Queue;
  std::unique_ptr<Queue> queue_;
};

}  // namespace vipra::runtime
