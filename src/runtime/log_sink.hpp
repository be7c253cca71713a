// Where log lines go: a bounded buffer drained by a thread of its own, so that a blocked pipe or a full disk
// stalls nobody. Lines that find the buffer full are dropped and counted.
//
// Several processes write to one pipe: whole lines go out in pieces of at most PIPE_BUF bytes, which the
// kernel does not mix. The lock that writers take is held for a copy of one line only and inherits priority,
// so that a real-time writer never waits for a preempted ordinary thread.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/log.hpp"

namespace vipra::runtime {

class LogSink final : public log::Sink {
 public:
  // Writes to `fd` (not owned; may be blocking or not). `capacity` in bytes, allocated once.
  explicit LogSink(int fd, std::size_t capacity = 256 * 1024);
  ~LogSink() override;  // gives the thread 200 ms to write what is queued, then leaves it behind
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // Starts the thread (ordinary scheduling whatever the caller's, all signals blocked, a stack of 256 KB);
  // lines written before are kept. Where no thread can be made, lines are kept until the buffer is full, then
  // dropped.
  void start();
  // Thread-safe; never blocks on the target, never allocates.
  void write_line(std::string_view line) noexcept override;
  // Lines that found the buffer full, and lines in pieces that the target refused.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct Shared;  // outlives this object when the thread is stuck in write(2)
  static void* thread_main(void* shared);

  std::shared_ptr<Shared> shared_;
  std::optional<pthread_t> thread_;
};

}  // namespace vipra::runtime
