// The table of child processes: what runs, since when, how often it was started, how it ended last. Whether
// and when a child is started again is its owner's business (speaker_keeper, control_keeper).
//
// Threading: the thread of the event loop, which must also be the one that starts children
// (PR_SET_PDEATHSIG).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "agent/supervisor/spawn.hpp"
#include "base/log.hpp"
#include "base/reason.hpp"
#include "base/result.hpp"
#include "runtime/event_loop.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::supervisor {

class Children {
 public:
  using ChildId = std::size_t;
  using ExitHandler = std::function<void(const Exit&)>;

  // `changed` after every start and end.
  Children(runtime::EventLoop& loop, const log::Logger& log, std::function<void()> changed);
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children();  // kills and reaps what still runs

  [[nodiscard]] ChildId add(std::string name, ExitHandler on_exit);
  [[nodiscard]] Status start(ChildId child, const SpawnPlan& plan);
  // No-op if it does not run. The end comes by the exit handler.
  void signal(ChildId child, int signal) const noexcept;
  // Why we are about to end it ourselves: reported instead of the signal.
  void set_reason(ChildId child, Reason reason) noexcept;
  [[nodiscard]] bool runs(ChildId child) const noexcept { return table_[child].process.pid > 0; }
  [[nodiscard]] pid_t pid(ChildId child) const noexcept { return table_[child].process.pid; }

  void report(channel::v1::SupervisorStatus& status) const;

 private:
  struct Entry {
    std::string name;
    ExitHandler on_exit;
    Process process;
    std::uint64_t starts = 0;
    std::int64_t started_unix_ns = 0;
    Reason last_reason = Reason::kNone;
    Reason announced_reason = Reason::kNone;
    int last_code = 0;
  };
  void on_pidfd(Entry& entry);

  runtime::EventLoop& loop_;
  const log::Logger& log_;
  std::function<void()> changed_;
  std::deque<Entry> table_;  // entries keep their addresses
};

}  // namespace vipra::supervisor
