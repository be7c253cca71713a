// Where log lines go: a bounded ring drained by a thread of its own, so that a blocked pipe or a full disk
// stalls nobody. Lines that find the ring full are dropped and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.hpp"

namespace vipra::runtime {

class LogSink final : public log::Sink {
 public:
  // Writes to `fd` (not owned, may be blocking). `capacity` in bytes, allocated once.
  explicit LogSink(int fd, std::size_t capacity = 256 * 1024);
  ~LogSink() override;  // gives the thread 200 ms to write what is queued, then leaves it behind
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  void start();  // the thread; lines written before are kept
  void write_line(std::string_view line) noexcept override;
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  struct Shared;  // outlives this object when the thread is stuck in write(2)
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace vipra::runtime
