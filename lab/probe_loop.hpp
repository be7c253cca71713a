// The thread that sends and receives, and the records that reports are made from.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lab/probe.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

// One probe. Written by the loop alone; `sent` before the tick is published, `answer` whenever it comes.
struct ProbeRecord {
  std::atomic<std::int64_t> sent_ns{0};  // since start; -1: the tick was skipped, nothing was sent
  std::atomic<std::uint64_t> answer{0};  // 0: none yet; else round trip in ns << 8 | node index + 1
};

struct ProbeAnswer {
  Duration round_trip{};
  std::size_t node = 0;  // index into the names; names.size() if the name is a stranger's
};

// What one stream (a target or the control) has recorded.
class ProbeStream {
 public:
  ProbeStream(IpAddress address, UniqueFd socket, std::size_t capacity)
      : address_{address}, socket_{std::move(socket)}, records_{std::make_unique<ProbeRecord[]>(capacity)} {}

  [[nodiscard]] const IpAddress& address() const noexcept { return address_; }
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  [[nodiscard]] ProbeRecord& record(std::size_t tick) const noexcept { return records_[tick]; }
  [[nodiscard]] bool was_sent(std::size_t tick) const noexcept { return records_[tick].sent_ns >= 0; }
  [[nodiscard]] Duration sent(std::size_t tick) const noexcept {
    return Duration{records_[tick].sent_ns.load()};
  }
  [[nodiscard]] std::optional<ProbeAnswer> answer(std::size_t tick) const noexcept;

  // The last answer's tick + 1; 0 before the first.
  std::atomic<std::size_t> last_answered{0};

 private:
  IpAddress address_;
  UniqueFd socket_;
  std::unique_ptr<ProbeRecord[]> records_;
};

class ProbeLoop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ProbeLoop>> start(const Station& from,
                                                                const std::vector<IpAddress>& targets,
                                                                const IpAddress& control,
                                                                const std::vector<std::string>& names,
                                                                const ProbeOptions& options);
  ~ProbeLoop();
  ProbeLoop(const ProbeLoop&) = delete;
  ProbeLoop& operator=(const ProbeLoop&) = delete;

  void stop();

  [[nodiscard]] const ProbeOptions& options() const noexcept { return options_; }
  [[nodiscard]] TimePoint start_time() const noexcept { return start_; }
  [[nodiscard]] std::size_t target_count() const noexcept { return streams_.size() - 1; }
  [[nodiscard]] const ProbeStream& stream(std::size_t i) const { return *streams_[i]; }
  [[nodiscard]] const ProbeStream& control() const { return *streams_.back(); }
  // Ticks that are recorded (sent or skipped).
  [[nodiscard]] std::size_t ticks() const noexcept { return ticks_.load(std::memory_order_acquire); }
  [[nodiscard]] bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }
  [[nodiscard]] bool realtime() const noexcept { return realtime_.load(); }
  [[nodiscard]] const std::string& name_of(std::size_t node) const;

 private:
  ProbeLoop(const ProbeOptions& options, std::vector<std::string> names)
      : options_{options}, names_{std::move(names)} {}
  void run();
  void send_tick(std::size_t tick, Duration at);
  void wait_and_receive(Duration until);
  void receive_all(ProbeStream& stream);

  ProbeOptions options_;
  std::vector<std::string> names_;
  std::string stranger_ = "unknown";
  std::vector<std::unique_ptr<ProbeStream>> streams_;  // the last one is the control
  std::size_t capacity_ = 0;
  TimePoint start_{};
  std::atomic<std::size_t> ticks_{0};
  std::atomic<bool> finished_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> realtime_{false};
  std::mutex stop_mutex_;
  std::thread thread_;
};

}  // namespace vipra::lab
