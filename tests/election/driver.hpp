// Drives a Machine in virtual time: the clock is a variable.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "election/machine.hpp"

namespace vipra::election {

using std::chrono::duration_cast;
using namespace std::chrono_literals;

// Seconds with up to nine decimals, as the traces write them, to exact nanoseconds.
inline Duration seconds(double value) {
  return Duration{static_cast<Duration::rep>(std::llround(value * 1e9))};
}

inline std::string describe(const Action& action) {
  struct Names {
    std::string operator()(const SendAdvert& a) const { return "advert(" + std::to_string(a.priority) + ")"; }
    std::string operator()(const InstallAddresses&) const { return "install"; }
    std::string operator()(const RemoveAddresses&) const { return "remove"; }
    std::string operator()(const Announce& a) const {
      return a.cause == AnnounceCause::kPromotion ? "announce" : "evidence";
    }
    std::string operator()(const StopAnnouncing&) const { return "silence"; }
    std::string operator()(const Transition& t) const {
      return std::string{to_string(t.from)} + "->" + std::string{to_string(t.to)} + ":" +
             std::string{to_string(t.reason)};
    }
  };
  return std::visit(Names{}, action);
}

struct Driver {
  explicit Driver(int priority, Config config = {}, const char* own = "10.0.2.15")
      : machine{config, priority, *IpAddress::parse(own)}, version{config.version} {}

  using Log = std::vector<std::string>;

  // "@seconds action", for every action until and including `end`.
  Log until(double end) {
    Log log;
    for (auto at = machine.deadline(); at && *at <= TimePoint{seconds(end)}; at = machine.deadline()) {
      now = at_time(*at);
      append(log, machine.step(now, DeadlineReached{}));
    }
    now = at_time(TimePoint{seconds(end)});
    return log;
  }
  Log at(double when, const Event& event) {
    auto log = until(when);
    EXPECT_TRUE(log.empty()) << "unexpected before " << when << ": " << log.front();
    log.clear();
    append(log, machine.step(now, event));
    return log;
  }
  Log advert(double when, const char* source, int priority, Centiseconds interval) {
    return at(when, AdvertReceived{*IpAddress::parse(source), static_cast<vrrp::Priority>(priority), interval,
                                   TimePoint{seconds(when)}});
  }
  [[nodiscard]] double deadline() const {
    const auto at = machine.deadline();
    return at ? static_cast<double>(at->time_since_epoch().count()) / 1e9 : -1;
  }
  static Instant at_time(TimePoint at) { return {at, BootTimePoint{at.time_since_epoch()}}; }
  void append(Log& log, const Actions& actions) const {
    char text[32];
    std::snprintf(text, sizeof text, "@%.9g ",
                  static_cast<double>(now.mono.time_since_epoch().count()) / 1e9);
    for (const auto& action : actions) log.push_back(text + describe(action));
  }

  Machine machine;
  vrrp::Version version;
  Instant now{};
};

inline Config config_1s() {
  Config config;
  config.interval = 1s;
  return config;
}
inline Config config_v2() {
  auto config = config_1s();
  config.version = vrrp::Version::kV2;
  return config;
}
inline Config with_policy(Config config, plan::PreemptionPolicy policy, Duration delay = {}) {
  config.preemption = {policy, delay};
  return config;
}

inline Driver master_at_3s(Config config = config_1s(), int priority = 150) {
  Driver d{priority, config};
  (void)d.at(0, Startup{});
  (void)d.until(4.0);
  EXPECT_EQ(d.machine.state(), State::kMaster);
  return d;
}

inline Instant instant(double at) {
  return Driver::at_time(TimePoint{seconds(at)});
}

}  // namespace vipra::election
