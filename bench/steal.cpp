// 250 routers at 100 ms while somebody else wants every processor.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>

#include "bench/contenders.hpp"
#include "bench/scenarios.hpp"

namespace vipra::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kRouters = 250;
constexpr Duration kSettles = seconds{2};
constexpr double kUsual = kRouters * 10;  // packets a second
constexpr double kStorm = 2;              // times the usual number of packets

// stress-ng with four workers for each processor, gone with this object.
class Thieves {
 public:
  Thieves() {
    const auto workers = std::to_string(4 * std::max(1U, std::thread::hardware_concurrency()));
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      ::execlp("stress-ng", "stress-ng", "--quiet", "--cpu", workers.c_str(), nullptr);
      ::_exit(127);
    }
  }
  Thieves(const Thieves&) = delete;
  Thieves& operator=(const Thieves&) = delete;
  ~Thieves() {
    if (!at_work()) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  // False: it could not be started, or ended by itself.
  [[nodiscard]] bool at_work() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) != 0) pid_ = -1;
    return pid_ > 0;
  }

 private:
  pid_t pid_ = -1;
};

struct Seen {
  std::size_t moved = 0;  // addresses that some time were not on node-a alone
  Duration unsettled{};   // the longest time for which one had no owner, or two
  double packets = 0;     // a second, of both nodes
};

// Looks at one contender again and again.
class Watch {
 public:
  explicit Watch(Contender& contender)
      : contender_{contender}, settled_at_(kRouters, lab::now()), moved_(kRouters), before_{count()} {}

  void look() {
    const auto a = contender_.owned_list("node-a");
    const auto b = contender_.owned_list("node-b");
    const auto at = lab::now();
    for (std::size_t i = 0; i < kRouters; ++i) {
      if (!a[i] || b[i]) moved_[i] = true;
      if (a[i] != b[i]) {
        settled_at_[i] = at;
      } else {
        unsettled_ = std::max(unsettled_, at - settled_at_[i]);
      }
    }
  }
  [[nodiscard]] Seen seen() {
    const std::chrono::duration<double> passed = lab::now() - begin_;
    return {static_cast<std::size_t>(std::count(moved_.begin(), moved_.end(), true)), unsettled_,
            static_cast<double>(count() - before_) / passed.count()};
  }

 private:
  [[nodiscard]] std::uint64_t count() {
    return multicast_packets(contender_.lab().node("node-a")).out +
           multicast_packets(contender_.lab().node("node-b")).out;
  }

  Contender& contender_;
  const TimePoint begin_ = lab::now();
  std::vector<TimePoint> settled_at_;
  std::vector<bool> moved_;
  Duration unsettled_{};
  std::uint64_t before_;
};

void print(const char* who, const Seen& seen, const char* verdict) {
  std::printf("%-32s %3zu of %zu moved, unsettled for %6.1f ms at most, %7.1f packets/s (usually %.0f)  %s\n",
              who, seen.moved, kRouters, std::chrono::duration<double, std::milli>{seen.unsettled}.count(),
              seen.packets, kUsual, verdict);
  std::fflush(stdout);
}

bool judge(const std::filesystem::path& agent, bool realtime, Duration length) {
  const Load load{kRouters, milliseconds{100}};
  auto vipra = make_vipra(
      load, agent, realtime ? std::vector<std::string>{} : std::vector<std::string>{"--realtime", "off"});
  auto keepalived = make_keepalived(load);
  for (auto* contender : {vipra.get(), keepalived.get()}) {
    if (const auto opened = contender->open(); !opened) {
      std::printf("%s\n", opened.error().what.c_str());
      return false;
    }
  }
  Thieves thieves;
  Watch ours{*vipra};
  Watch theirs{*keepalived};
  const auto begin = lab::now();
  while (lab::now() - begin < length) {
    ours.look();
    theirs.look();
    const auto next = lab::now() + milliseconds{100};
    static_cast<void>(lab::wait_until([&] { return lab::now() > next; }, seconds{5}, milliseconds{20}));
  }
  if (!thieves.at_work()) {
    std::printf("stress-ng is missing, or ended: scripts/setup develop\n");
    return false;
  }
  const auto seen = ours.seen();
  const bool good =
      seen.packets <= kStorm * kUsual && seen.unsettled <= kSettles && (!realtime || seen.moved == 0);
  print(realtime ? "Vipra, real-time scheduling" : "Vipra, without", seen, good ? "yes" : "NO");
  print("keepalived beside it", theirs.seen(), "");
  return good;
}

}  // namespace

bool steal(const std::filesystem::path& agent, std::chrono::seconds length) {
  std::printf("\n250 routers at 100 ms for %lld s beside stress-ng with four workers for each processor\n",
              static_cast<long long>(length.count()));
  const bool with = judge(agent, true, length);
  return judge(agent, false, length) && with;
}

}  // namespace vipra::bench
