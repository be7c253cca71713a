// Writes the last good definitions to disk on a thread of its own: a slow, full or hung disk costs a log
// line, never a turn of the loop. Only the newest content is kept waiting.
#pragma once

#include <chrono>
#include <memory>
#include <thread>

#include "base/log.hpp"
#include "source/last_good.hpp"

namespace vipra::control {

class StateSaver {
 public:
  // `log` must live until finish() has returned true, or the process has ended.
  StateSaver(source::LastGoodFile file, const log::Logger& log);
  ~StateSaver();  // waits for a save that is under way
  StateSaver(const StateSaver&) = delete;
  StateSaver& operator=(const StateSaver&) = delete;

  void save(source::LastGood content);
  // Writes what waits and ends the thread. False if that took longer than `limit`: then the thread still
  // runs, and the process should end without destroying anything (_exit).
  [[nodiscard]] bool finish(std::chrono::milliseconds limit);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace vipra::control
