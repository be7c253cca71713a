// Every order of commands, results and kernel events ends where the wish is: a seeded walk against a model of
// the kernel that delivers its events late.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

#include "ownership/address_set.hpp"

namespace vipra::ownership {
namespace {

using State = AddressSet::Kernel;

struct Kernel final : AddressCommands {
  bool add(int, const IpAddress& ip) override {
    if (full) return false;
    commands.push_back({true, ip});
    return true;
  }
  bool remove(int, const IpAddress& ip) override {
    if (full) return false;
    commands.push_back({false, ip});
    return true;
  }
  void request_dump() override { dump_wanted = true; }

  void run_one(AddressSet& set) {
    if (commands.empty()) return;
    const auto [adding, ip] = commands.front();
    commands.pop_front();
    if (adding) {
      const bool there = present.contains(ip);
      if (!there) present[ip] = State::kOurs, events.push_back({ip, State::kOurs});
      results.push_back([ip, there](AddressSet& s) { s.on_added(ip, there); });
    } else {
      if (present.contains(ip)) present.erase(ip), events.push_back({ip, State::kAbsent});
      results.push_back([ip](AddressSet& s) { s.on_removed(ip); });
    }
    static_cast<void>(set);
  }

  std::deque<std::pair<bool, IpAddress>> commands;
  std::deque<std::pair<IpAddress, State>> events;
  std::deque<std::function<void(AddressSet&)>> results;
  std::map<IpAddress, State> present;
  bool dump_wanted = false;
  bool full = false;
};

TEST(AddressSet, AFailedRemovalDoesNotKeepAWantedAddressOut) {
  const auto ip = IpAddress::v4(10, 0, 0, 1);
  AddressSet set;
  set.configure(2, {ip}, false);
  Kernel kernel;
  set.on_kernel(ip, State::kOurs);
  set.reconcile(kernel);
  ASSERT_EQ(kernel.commands.size(), 1U) << "its removal";
  set.want(true);
  set.on_remove_failed(ip, "no answer");
  set.on_kernel(ip, State::kAbsent);  // it had been removed all the same
  set.reconcile(kernel);
  ASSERT_EQ(kernel.commands.size(), 2U);
  EXPECT_TRUE(kernel.commands.back().first);
}

TEST(AddressSet, EveryOrderEndsWhereTheWishIs) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random{seed};
    const auto roll = [&](int sides) { return static_cast<int>(random() % static_cast<unsigned>(sides)); };
    std::vector<IpAddress> ips{IpAddress::v4(10, 0, 0, 1), IpAddress::v4(10, 0, 0, 2),
                               IpAddress::v4(10, 0, 0, 3)};
    AddressSet set;
    set.configure(2, ips, false);
    Kernel kernel;
    for (int i = 0; i < 60; ++i) {
      kernel.full = roll(8) == 0;
      switch (roll(6)) {
        case 0:
          set.want(roll(2) == 0);
          break;
        case 1:
          kernel.run_one(set);
          break;
        case 2:
          if (!kernel.events.empty()) {
            set.on_kernel(kernel.events.front().first, kernel.events.front().second);
            kernel.events.pop_front();
          }
          break;
        case 3:
          if (!kernel.results.empty()) {
            kernel.results.front()(set);
            kernel.results.pop_front();
          }
          break;
        case 4: {  // somebody deletes one of ours
          const auto& ip = ips[static_cast<std::size_t>(roll(3))];
          if (kernel.present.erase(ip) > 0) kernel.events.push_back({ip, State::kAbsent});
          break;
        }
        default:
          break;
      }
      static_cast<void>(set.reconcile(kernel));
    }
    const bool wish = seed % 2 == 0;
    set.want(wish);
    kernel.full = false;
    for (int i = 0; i < 100; ++i) {  // quiet now: everything is delivered
      static_cast<void>(set.reconcile(kernel));
      kernel.run_one(set);
      while (!kernel.events.empty()) {
        set.on_kernel(kernel.events.front().first, kernel.events.front().second);
        kernel.events.pop_front();
      }
      while (!kernel.results.empty()) {
        kernel.results.front()(set);
        kernel.results.pop_front();
      }
      if (std::exchange(kernel.dump_wanted, false)) {
        for (const auto& ip : ips)
          set.on_kernel(ip, kernel.present.contains(ip) ? State::kOurs : State::kAbsent);
      }
    }
    ASSERT_EQ(kernel.present.size(), wish ? ips.size() : 0u) << "seed " << seed;
    ASSERT_EQ(set.complete(), wish) << "seed " << seed;
    ASSERT_EQ(set.clear(), !wish) << "seed " << seed;
  }
}

TEST(AddressSet, AFailedAddIsNotRepeatedUntilItIsWantedAnew) {
  AddressSet set;
  Kernel kernel;
  set.configure(2, {IpAddress::v4(10, 0, 0, 1)}, false);
  set.want(true);
  EXPECT_EQ(set.reconcile(kernel), 0);
  ASSERT_EQ(kernel.commands.size(), 1u);
  kernel.commands.clear();
  set.on_add_failed(IpAddress::v4(10, 0, 0, 1), "no room");
  static_cast<void>(set.reconcile(kernel));
  EXPECT_TRUE(kernel.commands.empty());
  ASSERT_NE(set.first_failed(), nullptr);
  set.want(true);
  static_cast<void>(set.reconcile(kernel));
  EXPECT_EQ(kernel.commands.size(), 1u);
}

TEST(AddressSet, OfAThousandAddressesFewCommandsAreUnderWayAndEachResultBringsTheNext) {
  std::vector<IpAddress> ips;
  for (int i = 0; i < 1000; ++i)
    ips.push_back(IpAddress::v4(10, 0, std::uint8_t(i / 250), std::uint8_t(i % 250)));
  AddressSet set;
  Kernel kernel;
  set.configure(2, ips, false);
  for (const bool wish : {true, false}) {
    set.want(wish);
    static_cast<void>(set.reconcile(kernel));
    EXPECT_EQ(kernel.commands.size(), static_cast<std::size_t>(AddressSet::kUnderWay));
    for (int steps = 0; !kernel.commands.empty() && steps < 1000; ++steps) {
      EXPECT_FALSE(wish ? set.complete() : set.clear());
      kernel.run_one(set);
      kernel.results.front()(set);
      kernel.results.pop_front();
      static_cast<void>(set.reconcile(kernel));
      EXPECT_LE(kernel.commands.size(), static_cast<std::size_t>(AddressSet::kUnderWay));
    }
    EXPECT_EQ(kernel.present.size(), wish ? ips.size() : 0u);
    EXPECT_TRUE(wish ? set.complete() : set.clear());
  }
}

TEST(AddressSet, AStrangerIsNeitherAddedNorRemoved) {
  AddressSet set;
  Kernel kernel;
  set.configure(2, {IpAddress::v4(10, 0, 0, 1)}, false);
  set.on_kernel(IpAddress::v4(10, 0, 0, 1), State::kStranger);
  for (const bool wish : {true, false}) {
    set.want(wish);
    static_cast<void>(set.reconcile(kernel));
    EXPECT_TRUE(kernel.commands.empty());
  }
  EXPECT_NE(set.first_stranger(), nullptr);
}

}  // namespace
}  // namespace vipra::ownership
