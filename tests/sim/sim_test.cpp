// The simulation's own parts, and enough seeds for a quick answer; the many run as `sim_seeds`, and what they
// can catch is proved by the mutants.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sim/clock.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/run.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

TEST(Random, ASeedMeansTheSameEverywhere) {
  // xoshiro256** after splitmix64(0), by the authors' reference code.
  Random random{0};
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452aU);
}

TEST(NodeClock, WakesNeverBeforeItsTimer) {
  for (const int ppm : {-200, 0, 137, 200}) {
    const NodeClock clock{100s, 5000s, ppm};
    for (const auto ahead : {1ns, 999ns, 1000003ns, Duration{7s}}) {
      const auto mono = TimePoint{100s} + ahead;
      const auto at = clock.when(mono);
      EXPECT_GE(clock.at(at).mono, mono);
      EXPECT_LT(clock.at(at - 1ns).mono, mono);
    }
  }
}

TEST(NodeClock, MonotonicTimeStandsStillInSuspend) {
  NodeClock clock{100s, 100s, 0};
  clock.suspended(WorldTime{2s}, WorldTime{5s});
  EXPECT_EQ(clock.at(WorldTime{6s}), (Instant{TimePoint{103s}, BootTimePoint{106s}}));
  EXPECT_EQ(clock.when(TimePoint{103s}), WorldTime{6s});
}

TEST(EventQueue, KeepsTheOrderOfOneMoment) {
  EventQueue queue;
  queue.push(WorldTime{2s}, EventKind::kWake, 1);
  queue.push(WorldTime{1s}, EventKind::kWake, 2);
  queue.push(WorldTime{1s}, EventKind::kWake, 3);
  std::vector<std::uint32_t> order;
  while (const auto event = queue.pop()) order.push_back(event->a);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{2, 3, 1}));
}

Fault fault(FaultKind kind, NodeId a, NodeId b, std::uint32_t mask = 0) {
  Fault made;
  made.kind = kind;
  made.a = a;
  made.b = b;
  made.mask = mask;
  return made;
}

TEST(Network, ACutHasOneDirection) {
  Network network{3, 1us, 2us, 3, 1};
  network.fault_begins(fault(FaultKind::kCut, 0, 1));
  EXPECT_FALSE(network.advertisements_pass(0, 1));
  EXPECT_TRUE(network.advertisements_pass(1, 0));
  EXPECT_TRUE(network.advertisements_pass(0, 2));
}

TEST(Network, AFilterOfTheGroupLeavesNeighbourFramesAlone) {
  Network network{3, 1us, 2us, 3, 1};
  network.fault_begins(fault(FaultKind::kMulticastFilter, 1, 0));
  EXPECT_FALSE(network.advertisements_pass(0, 1));
  EXPECT_TRUE(network.frames_pass(0, 1));
  EXPECT_TRUE(network.advertisements_pass(1, 0));
}

TEST(Network, AFilterOfOneWayLeavesTheOtherAlone) {
  using vrrp::Path;
  Network network{3, 1us, 2us, 3, 1};
  network.fault_begins(fault(FaultKind::kUnicastFilter, 1, 0));
  EXPECT_FALSE(network.advertisements_pass(0, 1, Role::kIpv4, Path::kUnicast));
  EXPECT_TRUE(network.advertisements_pass(0, 1, Role::kIpv4, Path::kMulticast));
  network.fault_begins(fault(FaultKind::kGroupPruned, 0, 0, 0b100));
  EXPECT_FALSE(network.advertisements_pass(0, 2, Role::kIpv4, Path::kMulticast));
  EXPECT_TRUE(network.advertisements_pass(0, 2, Role::kIpv4, Path::kUnicast));
}

TEST(Network, AFrameToOneHostReachesNobodyElse) {
  Network network{4, 1us, 2us, 3, 1};
  EventQueue queue;
  Packet packet;
  packet.bytes[2] = 100;
  packet.size = 8;
  packet.only_to = 2;
  network.transmit(WorldTime{}, packet, queue);
  const auto event = queue.pop();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->b, 2U);
  EXPECT_FALSE(queue.pop());
}

TEST(Scenario, ListsOfPeersNameTheOthersAndWhomTheyLackNotAtAll) {
  auto scenario = draw_scenario(3, Mode::kSafety);
  scenario.faults.clear();
  scenario.transport = plan::TransportMode::kUnicast;
  scenario.nodes.resize(3, scenario.nodes.front());
  scenario.nodes[1].primary_v4 = IpAddress::v4(10, 0, 2, 20);
  EXPECT_TRUE(scenario.lists_are_complete());
  scenario.nodes[0].listed = 0b101;
  EXPECT_FALSE(scenario.lists_are_complete());
  const auto peers = scenario.transport_of(0, Role::kIpv4).peers;
  EXPECT_EQ(std::count(peers.begin(), peers.end(), scenario.nodes[1].primary_v4), 0);
  EXPECT_EQ(std::count(peers.begin(), peers.end(), scenario.nodes[2].primary_v4), 2);
}

TEST(Network, AFrameReachesEverybodyButItsSenderUnlessItEchoes) {
  Network network{4, 1us, 2us, 3, 1};
  EventQueue queue;
  Packet packet;
  packet.bytes[2] = 100;
  packet.size = 8;
  const auto receivers = [&] {
    network.transmit(WorldTime{}, packet, queue);
    int count = 0;
    while (const auto event = queue.pop()) ++count, network.arrived(event->a);
    return count;
  };
  EXPECT_EQ(receivers(), 3);
  network.fault_begins(fault(FaultKind::kSelfEcho, 0, 0));
  EXPECT_EQ(receivers(), 4);
}

TEST(Simulation, TheSameSeedHasTheSameHash) {
  for (const auto mode : {Mode::kSafety, Mode::kLiveness}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Coverage ignored;
      const auto scenario = draw_scenario(seed, mode);
      EXPECT_EQ(run_scenario(scenario, ignored).hash, run_scenario(scenario, ignored).hash) << seed;
    }
  }
}

TEST(Simulation, AnotherSeedHasAnother) {
  Coverage ignored;
  EXPECT_NE(run_scenario(draw_scenario(1, Mode::kSafety), ignored).hash,
            run_scenario(draw_scenario(2, Mode::kSafety), ignored).hash);
}

class Seeds : public testing::TestWithParam<Mode> {};
TEST_P(Seeds, BreakNoInvariant) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Coverage ignored;
    const auto outcome = run_scenario(draw_scenario(seed, GetParam()), ignored);
    ASSERT_FALSE(outcome.violation) << "vipra-sim --mode " << to_string(GetParam()) << " --seed " << seed
                                    << " says more: " << outcome.violation->invariant << ": "
                                    << outcome.violation->what;
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, Seeds, testing::Values(Mode::kSafety, Mode::kLiveness));

TEST(Shrink, LeavesOnlyWhatIsNeeded) {
  auto scenario = draw_scenario(3, Mode::kSafety);
  scenario.faults.clear();
  for (const auto kind : {FaultKind::kLoss, FaultKind::kPause, FaultKind::kCut, FaultKind::kRelease})
    scenario.faults.push_back(fault(kind, 0, 1));
  scenario.nodes.resize(5, scenario.nodes.front());
  const auto shortest = shrink(scenario, [](const Scenario& candidate) {
    return std::count_if(candidate.faults.begin(), candidate.faults.end(), [](const Fault& one) {
             return one.kind == FaultKind::kPause || one.kind == FaultKind::kRelease;
           }) == 2;
  });
  ASSERT_EQ(shortest.faults.size(), 2U);
  EXPECT_EQ(shortest.faults[0].kind, FaultKind::kPause);
  EXPECT_EQ(shortest.faults[1].kind, FaultKind::kRelease);
  EXPECT_EQ(shortest.nodes.size(), 2U);
}

TEST(History, IsToldForPeople) {
  auto scenario = draw_scenario(4, Mode::kSafety);
  const auto text = tell(scenario, 100'000);
  EXPECT_NE(text.find("Backup -> Master (MasterSilent)"), std::string::npos);
  EXPECT_NE(text.find("announces"), std::string::npos);
}

}  // namespace
}  // namespace vipra::sim
