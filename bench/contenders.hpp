// Vipra and Debian's keepalived doing the same in labs of their own: so many virtual routers with one IPv4
// address each, node-a master of all (priority 200), node-b backup (100).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "lab/lab.hpp"
#include "lab/peer.hpp"

namespace vipra::bench {

struct Load {
  std::size_t routers = 1;  // at most 250
  std::chrono::milliseconds interval{1000};
  bool keepalived_realtime = false;  // as Vipra is by default: SCHED_FIFO, memory locked
};

class Contender {
 public:
  explicit Contender(Load load) : load_{load} {}
  virtual ~Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;

  // Makes the lab, starts both nodes, waits until node-a has all addresses and node-b none.
  [[nodiscard]] Status open();
  [[nodiscard]] virtual const char* name() const = 0;
  // The processes that elect: supervisor and speaker; keepalived and its vrrp child.
  [[nodiscard]] virtual std::vector<pid_t> processes(const char* node) = 0;
  [[nodiscard]] lab::Lab& lab() { return *lab_; }
  [[nodiscard]] const Load& load() const { return load_; }
  // Which of the addresses a node has, and how many.
  [[nodiscard]] std::vector<bool> owned_list(const char* node);
  [[nodiscard]] std::size_t owned(const char* node);

 protected:
  [[nodiscard]] virtual Status start() = 0;
  [[nodiscard]] static std::string address(std::size_t router);

 private:
  Load load_;
  std::unique_ptr<lab::Lab> lab_;
};

[[nodiscard]] std::unique_ptr<Contender> make_vipra(Load load, std::filesystem::path agent,
                                                    std::vector<std::string> extra = {});
[[nodiscard]] std::unique_ptr<Contender> make_keepalived(Load load);

// What the processes have used since the kernel made them, in nanoseconds on a processor, all threads.
[[nodiscard]] Duration cpu_time(const std::vector<pid_t>& processes);
[[nodiscard]] long resident_kib(const std::vector<pid_t>& processes);
// Multicast packets in and out of the node's namespace since it was made.
struct Packets {
  unsigned long in = 0;
  unsigned long out = 0;
};
[[nodiscard]] Packets multicast_packets(lab::Node& node);

}  // namespace vipra::bench
