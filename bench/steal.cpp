// 250 routers at 100 ms while somebody else wants every processor.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "bench/contenders.hpp"
#include "bench/scenarios.hpp"

namespace vipra::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kRouters = 250;
constexpr Duration kSettles = seconds{2};
constexpr double kStorm = 2;  // times the usual number of packets

// Four busy processes for each processor, all in their own group, gone with this object.
class Thieves {
 public:
  Thieves() {
    const auto count = 4 * std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        for (std::atomic<unsigned long> turns{0};;) turns.fetch_add(1, std::memory_order_relaxed);
      }
      if (pid > 0) pids_.push_back(pid);
    }
  }
  Thieves(const Thieves&) = delete;
  Thieves& operator=(const Thieves&) = delete;
  ~Thieves() {
    for (const auto pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

 private:
  std::vector<pid_t> pids_;
};

struct Seen {
  std::size_t moved = 0;  // addresses that some time were not on node-a alone
  Duration unsettled{};   // the longest time for which one had no owner, or two
  double packets = 0;     // a second, of both nodes
};

Seen watch(Contender& vipra, Duration length) {
  Seen out;
  std::vector<TimePoint> settled_at(kRouters, lab::now());
  std::vector<bool> moved(kRouters);
  const auto count = [&] {
    return multicast_packets(vipra.lab().node("node-a")).out +
           multicast_packets(vipra.lab().node("node-b")).out;
  };
  const auto begin = lab::now();
  const auto before = count();
  while (lab::now() - begin < length) {
    const auto a = vipra.owned_list("node-a");
    const auto b = vipra.owned_list("node-b");
    const auto at = lab::now();
    for (std::size_t i = 0; i < kRouters; ++i) {
      if (!a[i] || b[i]) moved[i] = true;
      if (a[i] != b[i]) {
        settled_at[i] = at;
      } else {
        out.unsettled = std::max(out.unsettled, at - settled_at[i]);
      }
    }
    const auto next = at + milliseconds{100};
    static_cast<void>(lab::wait_until([&] { return lab::now() > next; }, seconds{5}, milliseconds{20}));
  }
  out.moved = static_cast<std::size_t>(std::count(moved.begin(), moved.end(), true));
  out.packets =
      static_cast<double>(count() - before) / std::chrono::duration<double>{lab::now() - begin}.count();
  return out;
}

bool judge(const std::filesystem::path& agent, bool realtime, Duration length) {
  const Load load{kRouters, milliseconds{100}};
  auto vipra = make_vipra(
      load, agent, realtime ? std::vector<std::string>{} : std::vector<std::string>{"--realtime", "off"});
  if (const auto opened = vipra->open(); !opened) {
    std::printf("%s\n", opened.error().what.c_str());
    return false;
  }
  const Thieves thieves;
  const auto seen = watch(*vipra, length);
  const double usual = static_cast<double>(kRouters) * 10;
  const bool good =
      seen.packets <= kStorm * usual && seen.unsettled <= kSettles && (!realtime || seen.moved == 0);
  std::printf("%-28s %5zu of %zu moved, unsettled for %6.1f ms at most, %7.1f packets/s (usually %.0f)  %s\n",
              realtime ? "with real-time scheduling" : "without", seen.moved, kRouters,
              std::chrono::duration<double, std::milli>{seen.unsettled}.count(), seen.packets, usual,
              good ? "yes" : "NO");
  std::fflush(stdout);
  return good;
}

}  // namespace

bool steal(const std::filesystem::path& agent, std::chrono::seconds length) {
  std::printf("\n250 routers at 100 ms for %lld s beside four busy processes on each processor\n",
              static_cast<long long>(length.count()));
  const bool with = judge(agent, true, length);
  return judge(agent, false, length) && with;
}

}  // namespace vipra::bench
