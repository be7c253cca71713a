// What elections cost, beside keepalived in the same minutes.
#include <cstdio>

#include "bench/contenders.hpp"
#include "bench/scenarios.hpp"

namespace vipra::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Announcements and their repeats are through: they are not what is measured.
constexpr Duration kSettle = seconds{7};

// Of one processor, in percent: 500 us a second. With few routers the wake-ups themselves are all there is,
// and waking a real-time thread costs the kernel more.
constexpr double kNegligible = 0.05;

struct Use {
  double cpu_percent = 0;  // of one processor
  double packets = 0;      // a second, sent by the master or received by the backup
  long resident_kib = 0;

  [[nodiscard]] double us_per_packet() const { return packets > 0 ? cpu_percent * 1e4 / packets : 0; }
};

class Meter {
 public:
  Meter(Contender& contender, const char* node)
      : contender_{contender}, node_{node}, processes_{contender.processes(node)} {}

  void begin() {
    packets_ = multicast_packets(contender_.lab().node(node_));
    at_ = lab::now();
    cpu_ = cpu_time(processes_);
  }
  Use end(bool sent) {
    const auto cpu = cpu_time(processes_) - cpu_;
    const double passed = std::chrono::duration<double>{lab::now() - at_}.count();
    const auto now = multicast_packets(contender_.lab().node(node_));
    Use use;
    use.cpu_percent = std::chrono::duration<double>{cpu}.count() / passed * 100;
    use.packets = static_cast<double>(sent ? now.out - packets_.out : now.in - packets_.in) / passed;
    use.resident_kib = resident_kib(processes_);
    return use;
  }

 private:
  Contender& contender_;
  const char* node_;
  std::vector<pid_t> processes_;
  Packets packets_;
  TimePoint at_{};
  Duration cpu_{};
};

void pass(Duration duration) {
  const auto until = lab::now() + duration;
  static_cast<void>(lab::wait_until([&] { return lab::now() > until; }, duration * 2, milliseconds{20}));
}

bool print(const Load& load, const char* role, const Use& ours, const Use& theirs) {
  const double ratio = theirs.cpu_percent > 0 ? ours.cpu_percent / theirs.cpu_percent : 0;
  const bool good = (ratio <= 1 || ours.cpu_percent - theirs.cpu_percent < kNegligible) &&
                    ours.resident_kib <= theirs.resident_kib;
  std::printf(
      "%7zu %7lld ms  %-6s | %6.2f%% %6.1f us %7.1f/s %6ld KiB | %6.2f%% %6.1f us %7.1f/s %6ld KiB | %5.2f  "
      "%s\n",
      load.routers, static_cast<long long>(load.interval.count()), role, ours.cpu_percent,
      ours.us_per_packet(), ours.packets, ours.resident_kib, theirs.cpu_percent, theirs.us_per_packet(),
      theirs.packets, theirs.resident_kib, ratio, good ? "yes" : "NO");
  std::fflush(stdout);
  return good;
}

bool compare(const std::filesystem::path& agent, const Load& load, Duration window) {
  auto vipra = make_vipra(load, agent);
  auto keepalived = make_keepalived(load);
  for (auto* contender : {vipra.get(), keepalived.get()}) {
    if (const auto opened = contender->open(); !opened) {
      std::printf("%7zu %7lld ms: %s\n", load.routers, static_cast<long long>(load.interval.count()),
                  opened.error().what.c_str());
      return false;
    }
  }
  pass(kSettle);
  Meter meters[] = {{*vipra, "node-a"}, {*keepalived, "node-a"}, {*vipra, "node-b"}, {*keepalived, "node-b"}};
  for (auto& meter : meters) meter.begin();
  pass(window);
  const Use used[] = {meters[0].end(true), meters[1].end(true), meters[2].end(false), meters[3].end(false)};
  const bool master = print(load, "master", used[0], used[1]);
  return print(load, "backup", used[2], used[3]) && master;
}

}  // namespace

bool load(const std::filesystem::path& agent, std::chrono::seconds window, std::size_t only_routers,
          milliseconds only_interval, bool keepalived_realtime) {
  if (!lab::have_keepalived()) {
    std::printf("keepalived is missing: scripts/setup test\n");
    return false;
  }
  std::printf("\n%-27s | %-36s | %-36s |\n", "", "supervisor and speaker",
              keepalived_realtime ? "keepalived, real-time too" : "keepalived");
  std::printf("%7s %10s  %-6s | %7s %9s %9s %10s | %7s %9s %9s %10s | %5s  %s\n", "routers", "interval", "",
              "CPU", "a packet", "packets", "RSS", "CPU", "a packet", "packets", "RSS", "ratio", "kept");
  bool kept = true;
  for (const auto interval : {milliseconds{1000}, milliseconds{100}}) {
    for (const std::size_t routers : {1U, 10U, 100U, 250U}) {
      if (only_routers != 0 && only_routers != routers) continue;
      if (only_interval != milliseconds{0} && only_interval != interval) continue;
      kept = compare(agent, {routers, interval, keepalived_realtime}, window) && kept;
    }
  }
  return kept;
}

}  // namespace vipra::bench
