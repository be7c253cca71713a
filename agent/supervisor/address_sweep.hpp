// Removes every address that carries our mark, on a thread of its own: each removal may wait for the kernel's
// routing lock, and the supervisor must go on turning its loop meanwhile.
#pragma once

#include <functional>
#include <optional>
#include <thread>

#include "base/result.hpp"
#include "runtime/event_loop.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::supervisor {

class AddressSweep {
 public:
  explicit AddressSweep(runtime::EventLoop& loop) : loop_{loop} {}
  AddressSweep(const AddressSweep&) = delete;
  AddressSweep& operator=(const AddressSweep&) = delete;
  ~AddressSweep();  // waits for the end of a sweep that is under way

  // `done` is called once, from the event loop, with how many addresses went. One sweep at a time. Where no
  // thread is to be had, the sweep and the call happen before this returns: addresses that answer nowhere are
  // the worse evil.
  void start(std::function<void(Result<std::size_t>)> done);
  [[nodiscard]] bool under_way() const noexcept { return thread_.joinable(); }

 private:
  [[nodiscard]] bool start_thread();
  void finish();

  runtime::EventLoop& loop_;
  sys::UniqueFd event_;
  std::thread thread_;
  std::optional<Result<std::size_t>> result_;  // the thread's until it raises the event
  std::function<void(Result<std::size_t>)> done_;
};

}  // namespace vipra::supervisor
