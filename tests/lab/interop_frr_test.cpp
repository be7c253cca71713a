// Beside FRR's vrrpd, and three kinds on one segment.
#include "tests/lab/interop.hpp"

namespace vipra::lab {
namespace {

using std::chrono::milliseconds;

class WithFrr : public Interop, public testing::WithParamInterface<Wire> {};

INSTANTIATE_TEST_SUITE_P(Wires, WithFrr, testing::Values(Wire{"Ipv4"}, Wire{"Ipv6", 3, true}),
                         [](const auto& one) { return one.param.name; });

TEST_P(WithFrr, ABetterVipraTakesOverAndResignsToIt) {
  TimePoint stopped{};
  better_vipra_takes_over_and_resigns(
      GetParam(), "FRR", [&](const char* name, const auto& wanted) { return start_frr(name, wanted); },
      stopped);
}

TEST_P(WithFrr, ABetterOneTakesOverAndResignsToVipra) {
  better_other_takes_over_and_resigns(
      GetParam(), "FRR", [&](const char* name, const auto& wanted) { return start_frr(name, wanted); });
}

TEST_P(WithFrr, WhoeverCrashesIsReplacedByTheOther) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, GetParam()));
  ASSERT_TRUE(start_frr("node-b", peer(200)));
  ASSERT_TRUE(serves("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100));
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Backup\""));
  ASSERT_TRUE(serves("node-b"));
  ASSERT_OK(node("node-b").crash());
  ASSERT_TRUE(serves("node-a"));

  ASSERT_OK(node("node-b").power_on());
  peers_.clear();
  auto* frr = start_frr("node-b", peer(50));
  ASSERT_TRUE(frr);
  ASSERT_TRUE(wait_until([&] { return frr->log_text().find("-> Backup") != std::string::npos; }, s{5}));
  ASSERT_TRUE(serves("node-a"));
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(serves("node-b"));
}

struct Mixed : Interop {};

TEST_F(Mixed, ThreeKindsOfRoutersAgreeOnTheBest) {
  ASSERT_NO_FATAL_FAILURE(build_watched(3, Wire{"Ipv4"}));
  ASSERT_TRUE(start_frr("node-c", peer(50)));
  ASSERT_TRUE(serves("node-c"));
  auto* keepalived = start_keepalived("node-b", peer(100));
  ASSERT_TRUE(keepalived);
  ASSERT_TRUE(serves("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200));
  ASSERT_TRUE(serves("node-a"));

  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(serves("node-b")) << "the better of the two that are left";
  ASSERT_OK(keepalived->stop());
  ASSERT_TRUE(serves("node-c"));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(serves("node-a"));
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(serves("node-c"));
}

// Each side of a cut elects its own; after it one is left, and clients reach that one.
TEST_F(Mixed, AHealedPartitionLeavesTheBest) {
  ASSERT_NO_FATAL_FAILURE(build_watched(3, Wire{"Ipv4"}));
  ASSERT_TRUE(start_frr("node-c", peer(50)));
  ASSERT_TRUE(serves("node-c"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100));
  ASSERT_TRUE(serves("node-a"));
  ASSERT_TRUE(start_keepalived("node-b", peer(200)));
  ASSERT_TRUE(serves("node-b"));
  for (const auto* other : {"node-b", "node-c"})
    ASSERT_OK(lab_->network().cut_both(node("node-a"), node(other)));
  const auto cut = now();
  ASSERT_TRUE(wait_until([&] { return probe_->answered_by("node-a", cut); }, s{5})) << "it announced last";
  for (const auto* other : {"node-b", "node-c"})
    ASSERT_OK(lab_->network().heal_both(node("node-a"), node(other)));
  EXPECT_TRUE(serves("node-b"));
}

}  // namespace
}  // namespace vipra::lab
