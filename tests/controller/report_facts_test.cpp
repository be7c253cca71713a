#include "controller/report_facts.hpp"

#include <gtest/gtest.h>

namespace vipra::controller {
namespace {

TEST(ReportFacts, CarriesWhatAStatusIsMadeOf) {
  report::v1::NodeReport report;
  report.set_node("node-a");
  report.set_definitions_generation(3);
  auto& object = *report.add_virtual_ips();
  object.set_name("web");
  object.set_object_generation(7);
  auto& condition = *object.add_conditions();
  condition.set_type("Accepted");
  condition.set_status("False");
  condition.set_reason(reason::v1::REASON_ADDRESS_CONFLICT);
  condition.set_message("claimed by old");
  auto& router = *report.add_routers();
  router.set_family("IPv6");
  router.set_virtual_router_id(51);
  router.set_state(reason::v1::STATE_MASTER);
  router.set_reason(reason::v1::REASON_MASTER_SILENT);
  router.set_since_unix_ns(42);
  router.set_effective_priority(90);
  router.set_interval_ns(100'000'000);
  router.set_misses(3);
  router.add_virtual_ips("web");
  auto& address = *router.add_addresses();
  address.set_address("2001:db8::10");
  address.set_virtual_ip("web");
  address.set_present(true);

  const auto facts = facts_of(report);
  EXPECT_EQ(facts.node, "node-a");
  EXPECT_TRUE(facts.knows_objects);
  ASSERT_EQ(facts.virtual_ips.size(), 1u);
  EXPECT_EQ(facts.virtual_ips[0].object_generation, 7);
  ASSERT_EQ(facts.virtual_ips[0].conditions.size(), 1u);
  EXPECT_EQ(facts.virtual_ips[0].conditions[0].reason, Reason::kAddressConflict);
  ASSERT_EQ(facts.routers.size(), 1u);
  EXPECT_EQ(facts.routers[0].family, Family::kIpv6);
  EXPECT_EQ(facts.routers[0].state, State::kMaster);
  EXPECT_EQ(facts.routers[0].reason, Reason::kMasterSilent);
  EXPECT_EQ(facts.routers[0].priority, 90);
  EXPECT_EQ(facts.routers[0].interval, Duration{100'000'000});
  EXPECT_EQ(facts.routers[0].misses, 3);
  ASSERT_EQ(facts.routers[0].addresses.size(), 1u);
  EXPECT_TRUE(facts.routers[0].addresses[0].present);
}

TEST(ReportFacts, WhatIsOutOfBoundsIsCutAndWhatIsUnknownIsNamedSo) {
  report::v1::NodeReport report;
  report.set_node(std::string(2000, 'n') + "\xe2\x82\xac");
  for (int i = 0; i < 5000; ++i) report.add_virtual_ips()->set_object_generation(-1);
  auto& router = *report.add_routers();
  router.set_state(static_cast<reason::v1::State>(77));
  router.set_reason(static_cast<reason::v1::Reason>(9999));
  router.set_virtual_router_id(4'000'000'000U);
  router.set_misses(4'000'000'000U);
  const auto facts = facts_of(report);
  EXPECT_FALSE(facts.knows_objects);
  EXPECT_LE(facts.node.size(), 1024u);
  EXPECT_EQ(facts.virtual_ips.size(), 4096u);
  EXPECT_EQ(facts.virtual_ips[0].object_generation, 0);
  EXPECT_EQ(facts.routers[0].state, State::kUnknown);
  EXPECT_EQ(facts.routers[0].reason, Reason::kNone);
  EXPECT_EQ(facts.routers[0].virtual_router_id, 255);
  EXPECT_EQ(facts.routers[0].misses, 255);
}

}  // namespace
}  // namespace vipra::controller
