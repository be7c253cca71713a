#include "net/kernel_writer.hpp"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.hpp"
#include "net/neighbour_guard.hpp"
#include "net/vrrp_socket.hpp"

namespace vipra::net {
namespace {

Result<sys::UniqueFd> make_event() {
  sys::UniqueFd fd{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!fd) return fail_errno("cannot make an eventfd for the kernel writer", errno);
  return fd;
}

// Cannot block; a counter that is full wakes as well as one more.
void signal_event(const sys::UniqueFd& event) noexcept {
  const std::uint64_t one = 1;
  (void)!::write(event.get(), &one, sizeof(one));
}

void clear_event(const sys::UniqueFd& event) noexcept {
  std::uint64_t count = 0;
  (void)!::read(event.get(), &count, sizeof(count));
}

void wait_for_event(const sys::UniqueFd& event) noexcept {
  pollfd entry{.fd = event.get(), .events = POLLIN, .revents = 0};
  (void)::poll(&entry, 1, -1);
  clear_event(event);
}

void take_status(Status status, KernelResult& result) {
  if (status) return;
  result.outcome = CommandOutcome::kFailed;
  result.error = std::move(status).error();
}

// What each command does, on the writer's thread.
struct Executor {
  RouteSocket& socket;
  KernelResult& result;

  void operator()(const AddAddress& command) const {
    result.token = command.token;
    auto added = socket.add_address(command.index, command.ip);
    if (!added) return take_status(tl::unexpected<Error>{std::move(added).error()}, result);
    if (*added == AddOutcome::kAlreadyThere) result.outcome = CommandOutcome::kAlreadyThere;
  }
  void operator()(const RemoveAddress& command) const {
    result.token = command.token;
    take_status(socket.remove_address(command.index, command.ip), result);
  }
  void operator()(const DumpKernel& command) const {
    result.token = command.token;
    auto dump = socket.dump();
    if (!dump) return take_status(tl::unexpected<Error>{std::move(dump).error()}, result);
    result.dump = std::make_unique<KernelDump>(std::move(*dump));
  }
  void operator()(const JoinGroup& command) const {
    result.token = command.token;
    take_status(join_group(command.fd, command.group.value_or(vrrp_group(command.family)), command.index),
                result);
  }
  void operator()(const RemoveAllMarked& command) const {
    result.token = command.token;
    auto removed = socket.remove_all_marked();
    if (!removed) take_status(tl::unexpected<Error>{std::move(removed).error()}, result);
  }
  void operator()(const MakeDevice& command) const {
    result.token = command.token;
    take_status(socket.make_device(command.spec), result);
  }
  void operator()(const RemoveDevice& command) const {
    result.token = command.token;
    take_status(socket.remove_device(command.index), result);
  }
  void operator()(const SetNeighbourGuard& command) const {
    result.token = command.token;
    take_status(set_neighbour_guard(command.fd, *command.guard), result);
  }
  void operator()(const DumpRoutes& command) const {
    result.token = command.token;
    auto routes = socket.dump_routes(*command.wanted);
    if (!routes) return take_status(tl::unexpected<Error>{std::move(routes).error()}, result);
    result.routes = std::make_unique<std::vector<ownership::Route>>(std::move(*routes));
  }
};

// With the thread's attributes set; signals are for the thread that handles them.
int start_thread(pthread_t& thread, void* (*main)(void*), void* argument, KernelWriter::Urgency urgency) {
  pthread_attr_t attributes;
  if (const int rc = ::pthread_attr_init(&attributes); rc != 0) return rc;
  int rc = ::pthread_attr_setstacksize(&attributes, KernelWriter::kStackSize);
  if (rc == 0 && urgency == KernelWriter::Urgency::kNone) {
    const sched_param ordinary{};
    rc = ::pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    if (rc == 0) rc = ::pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
    if (rc == 0) rc = ::pthread_attr_setschedparam(&attributes, &ordinary);
  }
  if (rc == 0) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = ::pthread_create(&thread, &attributes, main, argument);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ::pthread_attr_destroy(&attributes);
  return rc;
}

}  // namespace

KernelWriter::KernelWriter(std::size_t capacity, RouteSocket socket, sys::UniqueFd command_event,
                           sys::UniqueFd result_event)
    : capacity_{capacity},
      socket_{std::move(socket)},
      commands_{capacity},
      results_{capacity},
      command_event_{std::move(command_event)},
      result_event_{std::move(result_event)} {}

KernelWriter::~KernelWriter() {
  stop();
}

Result<std::unique_ptr<KernelWriter>> KernelWriter::make(std::size_t capacity) {
  auto socket = RouteSocket::open();
  if (!socket) return tl::unexpected<Error>{std::move(socket).error()};
  auto command_event = make_event();
  if (!command_event) return tl::unexpected<Error>{std::move(command_event).error()};
  auto result_event = make_event();
  if (!result_event) return tl::unexpected<Error>{std::move(result_event).error()};
  return std::unique_ptr<KernelWriter>{
      new KernelWriter{capacity, std::move(*socket), std::move(*command_event), std::move(*result_event)}};
}

Status KernelWriter::start(Urgency urgency) {
  VIPRA_CHECK(!thread_ && !stopped_);
  pthread_t thread{};
  if (const int rc = start_thread(thread, &KernelWriter::thread_main, this, urgency); rc != 0)
    return fail_errno("cannot start the kernel writer's thread", rc);
  thread_ = thread;
  (void)::pthread_setname_np(thread, "kernel-writer");
  return {};
}

void KernelWriter::stop() {
  stopped_ = true;
  if (!thread_) return;
  stopping_.store(true, std::memory_order_release);
  signal_event(command_event_);
  ::pthread_join(*thread_, nullptr);
  thread_.reset();
}

bool KernelWriter::post(const KernelCommand& command) {
  if (stopped_ || under_way_ == capacity_) return false;
  KernelCommand copy{command};
  if (!commands_.try_push(std::move(copy))) return false;
  ++under_way_;
  signal_event(command_event_);
  return true;
}

void KernelWriter::clear_result_event() noexcept {
  clear_event(result_event_);
}

std::optional<KernelResult> KernelWriter::take() {
  auto result = results_.try_pop();
  if (result) --under_way_;
  return result;
}

void* KernelWriter::thread_main(void* self) {
  static_cast<KernelWriter*>(self)->run();
  return nullptr;
}

void KernelWriter::run() {
  for (;;) {
    // Read before the queue: whatever was posted before stop() is then seen below.
    const bool last_round = stopping_.load(std::memory_order_acquire);
    while (const auto command = commands_.try_pop()) {
      VIPRA_CHECK(results_.try_push(execute(*command)));
      signal_event(result_event_);
    }
    if (last_round) return;
    wait_for_event(command_event_);
  }
}

KernelResult KernelWriter::execute(const KernelCommand& command) {
  KernelResult result;
  result.kind = static_cast<CommandKind>(command.index());
  std::visit(Executor{socket_, result}, command);
  return result;
}

}  // namespace vipra::net
