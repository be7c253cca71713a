#include "operator/reduce.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/operator/small_cluster.hpp"

namespace vipra::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Reduce : testing::Test, SmallCluster {
  void two_nodes() {
    report("node-a", State::kMaster);
    report("node-b", State::kBackup);
    reduce();
  }
};

TEST_F(Reduce, ShowsTheOwnerWithTimeReasonAndAddresses) {
  two_nodes();
  EXPECT_EQ(status().owner, "node-a");
  EXPECT_EQ(status().owner_since, kEpoch);
  EXPECT_EQ(status().state, "Owned");
  EXPECT_EQ(status().reason, "MasterSilent");
  EXPECT_THAT(status().addresses, ElementsAre("192.0.2.10"));
  ASSERT_EQ(status().routers.size(), 1u);
  EXPECT_EQ(status().routers[0].owner, "node-a");
  EXPECT_EQ(status().routers[0].virtual_router_id, 51);
  ASSERT_EQ(status().nodes.size(), 2u);
  EXPECT_EQ(status().nodes[1].name, "node-b");
  EXPECT_EQ(status().nodes[1].state, "Backup");
  EXPECT_EQ(status().nodes[1].reason, "LowerPriority");
  EXPECT_EQ(status().nodes[1].priority, 100);
  for (const auto* type : {"Accepted", "AddressAssigned", "Announced", "Ready"})
    EXPECT_THAT(condition(type), HasSubstr("True")) << type;
  EXPECT_EQ(condition("Degraded"), "False AsExpected");
  EXPECT_EQ(condition("Conflict"), "False AsExpected");
  EXPECT_EQ(status().condition("Ready")->observed_generation, 1);
}

TEST_F(Reduce, SaysNothingNewWhenNothingIsNew) {
  two_nodes();
  const auto before = status();
  EXPECT_EQ(out.events.size(), 1u);
  for (int i = 0; i < 10; ++i) {
    pass(3s);
    refresh("node-a");
    refresh("node-b");
    EXPECT_EQ(reduce(), before);
    EXPECT_THAT(out.events, IsEmpty());
  }
}

TEST_F(Reduce, ACrashIsFollowedWithoutAnAlarmWhileTheDeadStreamIsNotFoundYet) {
  two_nodes();
  const auto ready = *status().condition("Ready");
  pass(400ms);
  report("node-b", State::kMaster);
  reduce();
  EXPECT_EQ(status().owner, "node-b");
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_EQ(out.events[0].reason, Reason::kOwned);
  EXPECT_THAT(out.events[0].message, HasSubstr("before: node-a"));
  for (int i = 0; i < 8; ++i) {  // the stream of node-a still looks alive
    pass(1s);
    refresh("node-b");
    reduce();
    EXPECT_EQ(status().owner, "node-b");
    EXPECT_FALSE(out.metrics.objects[0].two_owners) << i;
    EXPECT_EQ(*status().condition("Ready"), ready);
  }
  disconnect("node-a");
  pass(options.unknown_after);
  refresh("node-b");
  reduce();
  EXPECT_EQ(status().node("node-a")->state, "Unknown");
  EXPECT_EQ(status().node("node-a")->reason, "NotReporting");
  EXPECT_EQ(status().node("node-a")->last_report, kEpoch);
  EXPECT_EQ(condition("Degraded"), "True NotReporting");
  EXPECT_EQ(out.metrics.nodes_silent, 1);
}

TEST_F(Reduce, AnOwnerThatNoLongerReportsStaysOwnerAsLongAsAnotherHearsIt) {
  two_nodes();
  const auto since = status().owner_since;
  disconnect("node-a");
  pass(options.unknown_after - 1s);
  refresh("node-b");
  EXPECT_EQ(reduce().state, "Owned");
  pass(1s);
  reduce();
  EXPECT_EQ(status().state, "Unknown");
  EXPECT_EQ(status().owner, "node-a");
  EXPECT_EQ(status().owner_since, since);
  EXPECT_EQ(condition("Ready"), "Unknown NotReporting");
  EXPECT_THAT(status().addresses, ElementsAre("192.0.2.10"));
  pass(1h);
  refresh("node-b");
  EXPECT_EQ(reduce().owner, "node-a");
  EXPECT_FALSE(out.metrics.objects[0].no_owner);
}

TEST_F(Reduce, NobodyReportingIsUnknownAndNoAlarm) {
  two_nodes();
  disconnect("node-a");
  disconnect("node-b");
  pass(1min);
  reduce();
  EXPECT_EQ(status().state, "Unknown");
  EXPECT_EQ(status().owner, "node-a");
  EXPECT_FALSE(out.metrics.objects[0].no_owner);
  EXPECT_THAT(out.events, IsEmpty());
  EXPECT_EQ(status().nodes.size(), 2u);
}

TEST_F(Reduce, NoOwnerForLongerThanAnElectionIsAnAlarmOnce) {
  two_nodes();
  report("node-a", State::kFault);
  reduce();
  EXPECT_EQ(status().state, "Electing");
  EXPECT_EQ(condition("Ready"), "True Owned");  // within the bound nothing is alarmed
  ASSERT_TRUE(out.next);
  EXPECT_EQ(*out.next, input.now + kInterval * 4 + options.margin);
  pass(*out.next - input.now);
  reduce();
  EXPECT_EQ(status().state, "NoOwner");
  EXPECT_EQ(condition("Ready"), "False NoOwner");
  EXPECT_EQ(condition("AddressAssigned"), "False NoOwner");
  EXPECT_TRUE(out.metrics.objects[0].no_owner);
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_TRUE(out.events[0].warning);
  EXPECT_EQ(out.events[0].reason, Reason::kNoOwner);
  pass(1s);
  reduce();
  EXPECT_THAT(out.events, IsEmpty());

  report("node-b", State::kMaster);
  reduce();
  EXPECT_EQ(condition("Ready"), "True Owned");
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_FALSE(out.events[0].warning);
}

TEST_F(Reduce, TwoOwnersForLongerThanAnElectionAreAnAlarm) {
  two_nodes();
  report("node-b", State::kMaster);
  reduce();
  refresh("node-a");
  reduce();
  EXPECT_EQ(condition("Conflict"), "False AsExpected");
  pass(kInterval * 4 + options.margin);
  refresh("node-a");
  refresh("node-b");
  reduce();
  EXPECT_EQ(status().state, "TwoOwners");
  EXPECT_EQ(status().owner, "");
  EXPECT_EQ(condition("Conflict"), "True TwoOwners");
  EXPECT_EQ(condition("Ready"), "False TwoOwners");
  EXPECT_THAT(status().condition("Conflict")->message, HasSubstr("node-a, node-b"));
  EXPECT_TRUE(out.metrics.objects[0].two_owners);
  EXPECT_EQ(out.metrics.objects[0].owners, 2);
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_EQ(out.events[0].reason, Reason::kTwoOwners);

  report("node-a", State::kBackup);
  reduce();
  EXPECT_EQ(status().owner, "node-b");
  EXPECT_EQ(condition("Conflict"), "False AsExpected");
}

TEST_F(Reduce, FamiliesOnDifferentNodesHaveNoCommonOwner) {
  input.objects[0] = object("web", {"192.0.2.10", "2001:db8::10"});
  report("node-a", State::kMaster, State::kFault);
  report("node-b", State::kBackup, State::kMaster);
  reduce();
  EXPECT_EQ(status().owner, "");
  ASSERT_EQ(status().routers.size(), 2u);
  EXPECT_EQ(status().routers[0].owner, "node-a");
  EXPECT_EQ(status().routers[1].owner, "node-b");
  EXPECT_THAT(status().node("node-a")->message, HasSubstr("IPv6: Fault (InterfaceDown)"));
  pass(3s);
  refresh("node-a");
  refresh("node-b");
  reduce();
  EXPECT_EQ(status().state, "Split");
  EXPECT_EQ(condition("Ready"), "False FamiliesSplit");
  report("node-a", State::kMaster, State::kMaster);
  report("node-b", State::kBackup, State::kBackup);
  EXPECT_EQ(reduce().owner, "node-a");
  EXPECT_EQ(condition("Ready"), "True Owned");
}

TEST_F(Reduce, AnAddressThatIsNotOnItsOwnerIsNamed) {
  input.objects[0] = object("web", {"192.0.2.10", "192.0.2.11"});
  report("node-a", State::kMaster);
  auto facts = std::make_shared<NodeFacts>(*input.nodes["node-a"].facts);
  facts->routers[0].addresses[1].present = false;
  send(facts);
  reduce();
  pass(3s);
  refresh("node-a");
  reduce();
  EXPECT_EQ(condition("AddressAssigned"), "False AddressMissing");
  EXPECT_EQ(condition("Ready"), "False AddressMissing");
  EXPECT_THAT(status().condition("Ready")->message, HasSubstr("192.0.2.11"));
  EXPECT_THAT(status().addresses, ElementsAre("192.0.2.10"));
}

TEST_F(Reduce, ARefusedObjectSaysWhyAndIsJudgedOnItsNewestVersion) {
  input.objects[0].generation = 2;
  auto facts = std::make_shared<NodeFacts>();
  facts->node = "node-a";
  facts->virtual_ips.push_back(accepted("web"));
  facts->virtual_ips[0].conditions[0] = {"Accepted", "False", Reason::kAddressConflict, "claimed by old"};
  facts->virtual_ips[0].object_generation = 2;
  send(facts);
  reduce();
  EXPECT_EQ(status().state, "Refused");
  EXPECT_EQ(status().reason, "AddressConflict");
  EXPECT_EQ(condition("Accepted"), "False AddressConflict");
  EXPECT_EQ(status().condition("Accepted")->observed_generation, 2);
  EXPECT_THAT(status().condition("Accepted")->message, HasSubstr("node-a: claimed by old"));
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_EQ(out.events[0].reason, Reason::kAddressConflict);
  EXPECT_EQ(status().node("node-a")->state, "Init");
}

TEST_F(Reduce, AVersionThatNobodyHasJudgedKeepsTheOldVerdict) {
  two_nodes();
  input.objects[0].generation = 2;
  reduce();
  EXPECT_EQ(condition("Accepted"), "True Accepted");
  EXPECT_EQ(status().condition("Accepted")->observed_generation, 1);
}

TEST_F(Reduce, NodesThatAreNotSelectedHaveNoRow) {
  two_nodes();
  auto facts = std::make_shared<NodeFacts>();
  facts->node = "node-c";
  facts->virtual_ips.push_back(accepted("web"));
  facts->virtual_ips[0].conditions[1] = {"Ready", "False", Reason::kNodeNotSelected, "not selected"};
  send(facts);
  EXPECT_EQ(reduce().nodes.size(), 2u);
  EXPECT_EQ(condition("Degraded"), "False AsExpected");
}

TEST_F(Reduce, ANodeThatHasLeftLosesItsRow) {
  two_nodes();
  input.known_nodes = {"node-a"};
  reduce();
  EXPECT_EQ(status().nodes.size(), 2u);  // it reports, whatever the list says
  disconnect("node-b");
  EXPECT_EQ(reduce().nodes.size(), 1u);
  input.known_nodes = {"node-a", "node-b"};
  pass(1min);
  refresh("node-a");
  EXPECT_EQ(reduce().node("node-b")->state, "Unknown");
  new_leader();
  input.nodes.erase("node-b");
  pass(1min);
  refresh("node-a");
  EXPECT_EQ(reduce().node("node-b")->state, "Unknown");
  input.known_nodes = {"node-a"};
  EXPECT_EQ(reduce().nodes.size(), 1u);
}

TEST_F(Reduce, ANewLeaderChangesNothingBeforeTheNodesHaveReportedToIt) {
  two_nodes();
  pass(1h);
  const auto before = status();
  new_leader();
  input.nodes.clear();
  input.started = input.now;
  EXPECT_EQ(reduce(), before);
  EXPECT_THAT(out.events, IsEmpty());
  pass(1s);
  report("node-b", State::kBackup);  // the owner is not there yet
  reduce();
  EXPECT_EQ(status().owner, "node-a");
  EXPECT_EQ(status().conditions, before.conditions);
  auto facts = std::make_shared<NodeFacts>();
  report("node-a", State::kMaster);
  auto same = std::make_shared<NodeFacts>(*input.nodes["node-a"].facts);
  same->routers[0].since_unix_ns = kEpoch * 1'000'000'000 + 900'000'000;
  send(same);
  auto after = reduce();
  EXPECT_EQ(after, before);
  EXPECT_THAT(out.events, IsEmpty());
}

// The API is away, nobody leads, the owner crashes; whoever leads then has heard the takeover itself.
TEST_F(Reduce, AReplicaThatBeginsToLeadBelievesWhatItHasSeenMoreThanTheOldStatus) {
  two_nodes();
  pass(10s);
  refresh("node-a");
  refresh("node-b");
  reduce();
  input.objects[0].status = status();
  pass(2s);
  report("node-b", State::kMaster);  // node-a is dead, which its stream does not show yet
  reduce();
  ASSERT_EQ(status().owner, "node-b");
  memory = begin_to_lead(memory);
  pass(5s);
  refresh("node-b");
  EXPECT_EQ(reduce().owner, "node-b");
  EXPECT_EQ(status().state, "Owned");
  EXPECT_THAT(out.events, ElementsAre(testing::Field(&Event::reason, Reason::kOwned)));
}

TEST_F(Reduce, ANodeWhoseControlHasJustStartedKeepsItsRow) {
  two_nodes();
  const auto before = status();
  auto facts = std::make_shared<NodeFacts>();
  facts->node = "node-a";
  facts->knows_objects = false;
  pass(1s);
  send(facts);
  refresh("node-b");
  EXPECT_EQ(reduce(), before);
  pass(options.unknown_after);
  refresh("node-a");
  refresh("node-b");
  reduce();
  EXPECT_EQ(status().node("node-a")->state, "Unknown");
  EXPECT_EQ(status().owner, "node-a");
}

TEST_F(Reduce, NumbersInMessagesAreNoReasonToWrite) {
  two_nodes();
  const auto with_detail = [&](const std::string& detail) {
    auto facts = std::make_shared<NodeFacts>(*input.nodes["node-b"].facts);
    facts->routers[0].detail = detail;
    send(facts);
  };
  with_detail("check http failing 3 times");
  const auto before = reduce();
  with_detail("check http failing 41 times");
  EXPECT_EQ(reduce(), before);
  with_detail("check tcp failing 41 times");
  EXPECT_NE(reduce(), before);
}

TEST_F(Reduce, TransitionTimesStayWhileTheStatusStays) {
  two_nodes();
  const auto since = status().condition("Degraded")->last_transition;
  pass(10s);
  auto facts = std::make_shared<NodeFacts>(*input.nodes["node-b"].facts);
  facts->virtual_ips[0].conditions[2] = {"Degraded", "True", Reason::kCheckFailed, "check a"};
  send(facts);
  refresh("node-a");
  reduce();
  EXPECT_EQ(condition("Degraded"), "True CheckFailed");
  EXPECT_EQ(status().condition("Degraded")->last_transition, since + 10);
  pass(10s);
  facts = std::make_shared<NodeFacts>(*facts);
  facts->virtual_ips[0].conditions[2].message = "check b";
  send(facts);
  refresh("node-a");
  reduce();
  EXPECT_THAT(status().condition("Degraded")->message, HasSubstr("check b"));
  EXPECT_EQ(status().condition("Degraded")->last_transition, since + 10);
}

TEST_F(Reduce, RowsAndMessagesAreBounded) {
  for (int i = 0; i < 300; ++i)
    report("node-" + std::to_string(1000 + i), i == 299 ? State::kMaster : State::kBackup);
  auto facts = std::make_shared<NodeFacts>(*input.nodes["node-1000"].facts);
  facts->routers[0].detail = std::string(5000, 'x');
  facts->routers[0].state = State::kFault;
  send(facts);
  reduce();
  EXPECT_EQ(status().nodes.size(), kMaxNodeRows);
  EXPECT_NE(status().node("node-1299"), nullptr);
  ASSERT_NE(status().node("node-1000"), nullptr);
  EXPECT_LE(status().node("node-1000")->message.size(), kMaxMessage);
  EXPECT_TRUE(std::is_sorted(status().nodes.begin(), status().nodes.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_F(Reduce, EventsOfAFlappingObjectAreBounded) {
  std::size_t events = 0;
  for (int i = 0; i < 600; ++i) {
    pass(1s);
    report("node-a", i % 2 ? State::kMaster : State::kBackup);
    report("node-b", i % 2 ? State::kBackup : State::kMaster);
    reduce();
    events += out.events.size();
  }
  EXPECT_LE(events, 10u + 600 / 30 + 1);
  EXPECT_GT(events, 10u);
  EXPECT_GT(out.metrics.events_suppressed, 500u);
  EXPECT_GE(out.metrics.objects[0].owner_changes, 599u);
}

TEST_F(Reduce, AnObjectMadeAnewBeginsAnewAndADeletedOneIsForgotten) {
  two_nodes();
  input.objects[0].uid = "uid-2";
  pass(10s);
  refresh("node-a");
  refresh("node-b");
  reduce();
  EXPECT_EQ(status().condition("Ready")->last_transition, kEpoch + 10);
  EXPECT_EQ(memory.objects.size(), 1u);
  input.objects[0].deleting = true;
  out = cluster::reduce(input, options, memory);
  EXPECT_THAT(out.decisions, IsEmpty());
  EXPECT_TRUE(memory.objects.empty());
}

TEST(ApplyBody, CarriesWhatFencesTheWrite) {
  Status status;
  status.owner = "node-\xff";  // never seen from a real report; the body is UTF-8 all the same
  const auto body = nlohmann::json::parse(apply_body("web", "u", "7", status));
  EXPECT_EQ(body["apiVersion"], "vipra.dev/v1alpha1");
  EXPECT_EQ(body["metadata"]["resourceVersion"], "7");
  EXPECT_EQ(body["metadata"]["uid"], "u");
  EXPECT_EQ(body["status"]["owner"], "node-\xef\xbf\xbd");
  EXPECT_FALSE(
      nlohmann::json::parse(apply_body("web", "u", "", status))["metadata"].contains("resourceVersion"));
}

struct PriorityGap : testing::Test, SmallCluster {
  void node(const char* name, int priority, Duration interval, State state = State::kBackup) {
    auto facts = std::make_shared<NodeFacts>();
    facts->node = name;
    facts->virtual_ips.push_back(accepted("web"));
    facts->routers.push_back(router("web", Family::kIpv4, state));
    facts->routers.back().base_priority = facts->routers.back().priority = priority;
    facts->routers.back().interval = interval;
    send(std::move(facts));
  }
  std::string judged(int a, int b, int c, Duration interval) {
    node("node-a", a, interval, State::kMaster);
    node("node-b", b, interval);
    node("node-c", c, interval);
    reduce();
    return condition("Degraded");
  }
};

TEST_F(PriorityGap, IsAWarningWhereNodesWereSpacedByTooLittle) {
  EXPECT_EQ(judged(200, 150, 149, 100ms), "True PriorityGap");
  const auto message = status().condition("Degraded")->message;
  EXPECT_THAT(message, HasSubstr("node-b (150) and node-c (149)"));
  EXPECT_THAT(message, HasSubstr("100ms"));
  EXPECT_THAT(message, HasSubstr("differ by 4"));
  EXPECT_EQ(condition("Ready"), "True Owned");
  EXPECT_EQ(condition("Conflict"), "False AsExpected");
}

TEST_F(PriorityGap, OfFourIsEnoughForTheDefaultIntervalAndOfOneForASecond) {
  EXPECT_EQ(judged(200, 150, 146, 100ms), "False AsExpected");
  EXPECT_EQ(judged(200, 150, 149, 1s), "False AsExpected");
  EXPECT_EQ(judged(200, 150, 112, 10ms), "True PriorityGap");
  EXPECT_EQ(judged(200, 150, 111, 10ms), "False AsExpected");
}

TEST_F(PriorityGap, EqualPrioritiesAreTheDefaultAndOnlyTurboMinds) {
  EXPECT_EQ(judged(100, 100, 100, 100ms), "False AsExpected");
  EXPECT_EQ(judged(100, 100, 100, 10ms), "True PriorityGap");
}

// A check that lowers one node for a while is no mistake of a definition.
TEST_F(PriorityGap, IsJudgedByWhatIsDefined) {
  EXPECT_EQ(judged(200, 150, 100, 100ms), "False AsExpected");
  auto facts = std::make_shared<NodeFacts>(*input.nodes.at("node-a").facts);
  facts->routers[0].priority = 149;
  send(facts);
  reduce();
  EXPECT_EQ(condition("Degraded"), "False AsExpected");
}

// The member of a group: its lead takes over, or not.
TEST_F(PriorityGap, OfRoutersThatFollowMattersToNobody) {
  EXPECT_EQ(judged(200, 150, 149, 100ms), "True PriorityGap");
  for (const auto* name : {"node-a", "node-b", "node-c"}) {
    auto facts = std::make_shared<NodeFacts>(*input.nodes.at(name).facts);
    facts->routers[0].follows = true;
    send(facts);
  }
  reduce();
  EXPECT_EQ(condition("Degraded"), "False AsExpected");
}

TEST_F(PriorityGap, WaitsBehindEverythingElse) {
  EXPECT_EQ(judged(200, 150, 149, 100ms), "True PriorityGap");
  auto facts = std::make_shared<NodeFacts>(*input.nodes.at("node-a").facts);
  facts->virtual_ips[0].conditions[2] = {"Degraded", "True", Reason::kCheckFailed, "check a"};
  send(facts);
  reduce();
  EXPECT_EQ(condition("Degraded"), "True CheckFailed");
}

TEST_F(PriorityGap, OfAPeerThatOnlyOneNodeKnowsIsTold) {
  EXPECT_EQ(judged(200, 150, 100, 100ms), "False AsExpected");
  auto facts = std::make_shared<NodeFacts>(*input.nodes.at("node-b").facts);
  facts->virtual_ips[0].conditions[2] = {"Degraded", "True", Reason::kPriorityGap, "priority 150 and 151"};
  send(facts);
  reduce();
  EXPECT_EQ(condition("Degraded"), "True PriorityGap");
  EXPECT_THAT(status().condition("Degraded")->message, HasSubstr("node-b: priority 150 and 151"));
}

struct ForeignHosts : testing::Test, SmallCluster {};

TEST_F(ForeignHosts, AConflictOfANodeIsOneOfTheObject) {
  report("node-a", State::kMaster);
  report("node-b", State::kBackup);
  auto facts = std::make_shared<NodeFacts>(*input.nodes.at("node-a").facts);
  facts->virtual_ips[0].conditions[3] = {"Conflict", "True", Reason::kConflict,
                                         "another host, 02:99:00:00:00:c9, says that it has 192.0.2.10 too"};
  send(facts);
  reduce();
  EXPECT_EQ(condition("Conflict"), "True Conflict");
  EXPECT_THAT(status().condition("Conflict")->message, HasSubstr("node-a: another host, 02:99:00:00:00:c9"));
  EXPECT_EQ(condition("Ready"), "True Owned");
  EXPECT_EQ(condition("Degraded"), "False AsExpected");
  report("node-a", State::kMaster);
  reduce();
  EXPECT_EQ(condition("Conflict"), "False AsExpected");
}

}  // namespace
}  // namespace vipra::cluster
