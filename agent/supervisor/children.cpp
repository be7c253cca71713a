#include "agent/supervisor/children.hpp"

#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "channel/convert.hpp"
#include "runtime/clock.hpp"

namespace vipra::supervisor {

Children::Children(runtime::EventLoop& loop, const log::Logger& log, std::function<void()> changed)
    : loop_{loop}, log_{log}, changed_{std::move(changed)} {}

Children::~Children() {
  for (auto& entry : table_) {
    if (entry.process.pid <= 0) continue;
    loop_.unwatch(entry.process.pidfd.get());
    ::kill(entry.process.pid, SIGKILL);
    ::waitpid(entry.process.pid, nullptr, 0);
  }
}

Children::ChildId Children::add(std::string name, ExitHandler on_exit) {
  auto& entry = table_.emplace_back();
  entry.name = std::move(name);
  entry.on_exit = std::move(on_exit);
  return table_.size() - 1;
}

Status Children::start(ChildId child, const SpawnPlan& plan) {
  auto& entry = table_[child];
  auto process = spawn(plan);
  if (!process) {
    log_.error("child.not_started", {{"child", entry.name}, {"error", process.error().what}});
    return tl::unexpected{std::move(process).error()};
  }
  entry.process = std::move(*process);
  ++entry.starts;
  entry.started_unix_ns = runtime::unix_now_ns();
  entry.announced_reason = Reason::kNone;
  auto watched =
      loop_.watch(entry.process.pidfd.get(), EPOLLIN, [this, &entry](std::uint32_t) { on_pidfd(entry); });
  if (!watched) {
    ::kill(entry.process.pid, SIGKILL);
    ::waitpid(entry.process.pid, nullptr, 0);
    entry.process = {};
    return watched;
  }
  log_.info("child.started", {{"child", entry.name}, {"pid", entry.process.pid}, {"starts", entry.starts}});
  changed_();
  return {};
}

void Children::on_pidfd(Entry& entry) {
  const auto exit = reap(entry.process);
  if (!exit) return;
  loop_.unwatch(entry.process.pidfd.get());
  const pid_t pid = std::exchange(entry.process, {}).pid;
  entry.last_code = exit->code;
  entry.last_reason = exit->signalled ? Reason::kKilledBySignal : Reason::kExited;
  if (entry.announced_reason != Reason::kNone) entry.last_reason = entry.announced_reason;
  log_.write(exit->clean() ? log::Level::kInfo : log::Level::kWarning, "child.exited",
             {{"child", entry.name},
              {"pid", pid},
              {"reason", to_string(entry.last_reason)},
              {"detail", describe_exit(*exit)}});
  changed_();
  entry.on_exit(*exit);
}

void Children::signal(ChildId child, int signal) const noexcept {
  const auto& entry = table_[child];
  if (entry.process.pid > 0) ::kill(entry.process.pid, signal);
}

void Children::set_reason(ChildId child, Reason reason) noexcept {
  table_[child].announced_reason = reason;
}

void Children::report(channel::v1::SupervisorStatus& status) const {
  for (const auto& entry : table_) {
    auto& out = *status.add_children();
    out.set_name(entry.name);
    out.set_pid(entry.process.pid > 0 ? entry.process.pid : 0);
    out.set_starts(entry.starts);
    out.set_started_unix_ns(entry.started_unix_ns);
    out.set_last_exit_reason(channel::to_proto(entry.last_reason));
    out.set_last_exit_code(entry.last_code);
  }
}

}  // namespace vipra::supervisor
