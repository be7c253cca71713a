// A thread that makes what takes the kernel's routing lock: address changes, devices, dumps, group joins. One
// for all of the speaker's commands, and one more for routes, whose tables may be long. The election thread
// posts commands and reads results as ordinary events; it never waits for the kernel.
//
// Threading: make, start, stop, post and drain from one thread (the election thread); the commands run on the
// writer's own, in the order posted, with one result each. post() never blocks or allocates. drain()
// allocates nothing (results of dumps and failures are allocated by the writer and freed by whoever takes
// them).
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "base/spsc_queue.hpp"
#include "net/links.hpp"
#include "net/route_socket.hpp"
#include "ownership/routes.hpp"
#include "ownership/virtual_mac.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::net {

// The caller's name for a command; comes back with its result.
using CommandToken = std::uint64_t;

struct AddAddress {  // as route_socket.hpp says
  CommandToken token = 0;
  int index = 0;
  IpAddress ip;
};
struct RemoveAddress {
  CommandToken token = 0;
  int index = 0;
  IpAddress ip;
};
struct DumpKernel {
  CommandToken token = 0;
};
// Joins the VRRP group on a socket of open_vrrp_socket(), which must stay open until the result is there.
struct JoinGroup {
  CommandToken token = 0;
  int fd = -1;
  int index = 0;
  Family family = Family::kIpv4;
  std::optional<IpAddress> group{};  // another one than VRRP's
};
struct RemoveAllMarked {
  CommandToken token = 0;
};
// Reads a whole table, which may be large: for a writer of its own (start() with Urgency::kNone).
struct DumpRoutes {
  CommandToken token = 0;
  std::shared_ptr<const std::vector<IpPrefix>> wanted;  // sorted
};
struct MakeDevice {
  CommandToken token = 0;
  ownership::DeviceSpec spec;
};
// Whatever is posted behind it waits for tens of milliseconds.
struct RemoveDevice {
  CommandToken token = 0;
  int index = 0;
};
// On a socket of open_neighbour_guard(), which must stay open until the result is there.
struct SetNeighbourGuard {
  CommandToken token = 0;
  int fd = -1;
  std::shared_ptr<const ownership::NeighbourGuard> guard;
};
using KernelCommand = std::variant<AddAddress, RemoveAddress, DumpKernel, JoinGroup, RemoveAllMarked,
                                   DumpRoutes, MakeDevice, RemoveDevice, SetNeighbourGuard>;

// In the order of KernelCommand's alternatives.
enum class CommandKind : std::uint8_t {
  kAddAddress,
  kRemoveAddress,
  kDump,
  kJoinGroup,
  kRemoveAllMarked,
  kDumpRoutes,
  kMakeDevice,
  kRemoveDevice,
  kSetNeighbourGuard
};

enum class CommandOutcome : std::uint8_t {
  kDone,          // also: removed what was not there, joined what was joined
  kAlreadyThere,  // kAddAddress only: nothing was changed
  kFailed,
};

struct KernelResult {
  CommandToken token = 0;
  CommandKind kind = CommandKind::kAddAddress;
  CommandOutcome outcome = CommandOutcome::kDone;
  Error error;                                            // kFailed only
  std::unique_ptr<KernelDump> dump;                       // kDump and kDone only
  std::unique_ptr<std::vector<ownership::Route>> routes;  // kDumpRoutes and kDone only
};

class KernelWriter {
 public:
  static constexpr std::size_t kCapacity = 4096;
  static constexpr std::size_t kStackSize = 256 * 1024;

  // `capacity`: commands whose results nobody has read yet. The network namespace is that of the caller.
  [[nodiscard]] static Result<std::unique_ptr<KernelWriter>> make(std::size_t capacity = kCapacity);
  KernelWriter(const KernelWriter&) = delete;
  KernelWriter& operator=(const KernelWriter&) = delete;
  ~KernelWriter();  // stops

  // Whether the thread inherits the scheduling policy of the caller, or has an ordinary one.
  enum class Urgency : std::uint8_t { kInherited, kNone };
  // The thread blocks all signals.
  [[nodiscard]] Status start(Urgency urgency = Urgency::kInherited);
  // Runs the commands that are queued, then ends the thread: a removal that was posted happens. Nothing can
  // be posted afterwards; results can still be drained.
  void stop();

  // False when `capacity` commands are under way, or after stop(): the caller keeps the command and tries
  // again after the next result.
  [[nodiscard]] bool post(const KernelCommand& command);

  // Readable while results wait.
  [[nodiscard]] int fd() const noexcept { return result_event_.get(); }
  // Calls `handler(KernelResult&&)` for each result that is there. The handler may post().
  template <class Handler>
  void drain(Handler&& handler) {
    clear_result_event();
    while (auto result = take()) handler(std::move(*result));
  }

 private:
  KernelWriter(std::size_t capacity, RouteSocket socket, sys::UniqueFd command_event,
               sys::UniqueFd result_event);
  static void* thread_main(void* self);
  void run();
  void clear_result_event() noexcept;
  [[nodiscard]] std::optional<KernelResult> take();
  [[nodiscard]] KernelResult execute(const KernelCommand& command);

  const std::size_t capacity_;
  RouteSocket socket_;  // the writer thread's, once started
  SpscQueue<KernelCommand> commands_;
  SpscQueue<KernelResult> results_;  // as large as commands_ can be under way: never full
  sys::UniqueFd command_event_;
  sys::UniqueFd result_event_;
  std::atomic<bool> stopping_{false};
  std::size_t under_way_ = 0;
  bool stopped_ = false;
  std::optional<pthread_t> thread_;
};

}  // namespace vipra::net
