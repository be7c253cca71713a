// A group: what its members tell the lead, and what the lead makes of it.
#include "router/group_members.hpp"

#include <algorithm>
#include <functional>

#include "tests/router/fakes.hpp"

namespace vipra::router {
namespace {

constexpr MemberState kFine{{}, false, 300ms};
constexpr MemberState kBeaten{{}, true, 300ms};

TimePoint at(Duration since) {
  return TimePoint{} + 100s + since;
}

TEST(GroupMembers, LetsTheLeadStandThroughAMove) {
  GroupMembers members;
  members.set(1, kBeaten);
  members.judge(at(0ms), true, false);
  EXPECT_TRUE(members.may_stand());
  EXPECT_EQ(members.deadline(), at(300ms));
  members.set(1, kFine);
  members.judge(at(200ms), true, false);
  members.judge(at(400ms), true, false);
  EXPECT_TRUE(members.may_stand());
  EXPECT_EQ(members.deadline(), std::nullopt);
}

TEST(GroupMembers, TakesTheLeadDownWhenAMemberStaysBeaten) {
  GroupMembers members;
  members.set(1, kFine);
  members.set(2, kBeaten);
  members.judge(at(0ms), true, false);
  members.judge(at(299ms), true, false);
  EXPECT_TRUE(members.may_stand());
  members.judge(at(300ms), true, false);
  EXPECT_FALSE(members.may_stand());
  // It has fallen, and nobody is heard on its own segment: it stays down while the member is beaten.
  members.judge(at(301ms), false, false);
  members.judge(at(9s), false, false);
  EXPECT_FALSE(members.may_stand());
  members.set(2, kFine);
  members.judge(at(10s), false, false);
  EXPECT_TRUE(members.may_stand());
}

TEST(GroupMembers, CountsForNothingBesideALeadThatIsNoMaster) {
  GroupMembers members;
  members.set(1, kBeaten);
  members.judge(at(0ms), false, true);
  members.judge(at(60s), false, true);
  EXPECT_TRUE(members.may_stand());
  EXPECT_EQ(members.deadline(), std::nullopt);
  members.judge(at(61s), true, false);
  EXPECT_EQ(members.deadline(), at(61s + 300ms)) << "the time as a backup does not count";
}

TEST(GroupMembers, LeavesTheWordToTheLeadThatHearsItsMasterAgain) {
  GroupMembers members;
  members.set(1, kBeaten);
  members.judge(at(0ms), true, false);
  members.judge(at(300ms), true, false);
  ASSERT_FALSE(members.may_stand());
  members.judge(at(400ms), false, true);
  EXPECT_TRUE(members.may_stand());
}

TEST(GroupMembers, TellsTheFirstFaultAndForgetsWhoLeft) {
  GroupMembers members;
  members.set(1, {"a/ipv4: no link", false, 300ms});
  members.set(2, {"b/ipv4: no link", true, 300ms});
  EXPECT_EQ(members.fault(), "a/ipv4: no link");
  members.keep({2});
  EXPECT_EQ(members.fault(), "b/ipv4: no link");
  members.keep({});
  EXPECT_EQ(members.fault(), "");
  EXPECT_TRUE(members.empty());
}

// Two routers of one node, bound as the speaker binds them.
struct Group : testing::Test {
  static plan::VirtualRouter desired(const char* name, bool follows) {
    auto out = desired_v4();
    out.id = std::string{name} + "/ipv4";
    out.seniority.name = name;
    out.group = "shop";
    if (follows) out.lead = "lead/ipv4";
    return out;
  }

  Group() {
    for (auto* router : {&lead, &member}) router->set_segment(now, segment());
    bind([&] { lead.set_members(now, {1}); });
    bind([&] { lead.start(now); });
    bind([&] { member.start(now); });
  }

  void bind(const std::function<void()>& change) {
    change();
    for (int round = 0; round < 4; ++round) {
      if (lead.lead_state() != told) member.on_lead(now, told = lead.lead_state());
      lead.on_member(now, 1, member.member_state());
    }
  }
  void wait(Duration duration) {
    const auto end = now.mono + duration;
    while (true) {
      auto next = end;
      for (const auto* router : {&lead, &member})
        if (const auto deadline = router->deadline()) next = std::min(next, *deadline);
      next = std::max(next, now.mono);
      now.boot += next - now.mono;
      now.mono = next;
      if (next == end) return;
      bind([&] { lead.on_deadline(now); });
      bind([&] { member.on_deadline(now); });
    }
  }
  void hear(VirtualRouter& router, int priority, const char* source) {
    vrrp::IpMeta meta;
    meta.source = *IpAddress::parse(source);
    meta.destination = vrrp_group(Family::kIpv4);
    meta.ttl = 255;
    vrrp::Advertisement advertisement;
    advertisement.version = vrrp::Version::kV3;
    advertisement.vrid = 51;
    advertisement.priority = static_cast<vrrp::Priority>(priority);
    advertisement.interval = 100ms;
    bind([&] { router.on_advertisement(now, meta, {}, advertisement, now.mono); });
  }

  Instant now{TimePoint{} + 100s, BootTimePoint{} + 100s};
  FakeWorld lead_world, member_world;
  VirtualRouter lead{0, desired("lead", false), lead_world.ports};
  VirtualRouter member{1, desired("member", true), member_world.ports};
  election::LeadState told = election::LeadState::kAway;
};

TEST_F(Group, StandsTogether) {
  wait(1s);
  EXPECT_EQ(lead.state(), State::kMaster);
  EXPECT_EQ(member.state(), State::kMaster);
}

TEST_F(Group, FallsWithAMemberInFaultAndComesBackWithIt) {
  wait(1s);
  bind([&] { member.set_fault(now, FaultSource::kSocket, FaultInfo{Reason::kSocketFailed, "no socket"}); });
  EXPECT_EQ(lead.state(), State::kFault);
  EXPECT_EQ(lead.reason(), Reason::kGroupMember);
  EXPECT_EQ(lead.detail(), "member/ipv4: no socket");
  bind([&] { member.set_fault(now, FaultSource::kSocket, std::nullopt); });
  EXPECT_EQ(lead.state(), State::kBackup);
  wait(1s);
  EXPECT_EQ(lead.state(), State::kMaster);
  EXPECT_EQ(member.state(), State::kMaster);
}

TEST_F(Group, GivesUpAllWhereABetterNodeHasOne) {
  wait(1s);
  for (int i = 0; i < 15; ++i) {
    hear(member, 200, "10.0.2.99");
    wait(100ms);
  }
  EXPECT_EQ(lead.state(), State::kBackup);
  EXPECT_EQ(lead.reason(), Reason::kGroupMember);
  EXPECT_EQ(member.state(), State::kBackup);
  for (int i = 0; i < 20; ++i) {
    hear(member, 200, "10.0.2.99");
    wait(100ms);
    ASSERT_EQ(lead.state(), State::kBackup) << i;
  }
  wait(2s);  // the better one has gone
  EXPECT_EQ(lead.state(), State::kMaster);
  EXPECT_EQ(member.state(), State::kMaster);
}

TEST_F(Group, StaysDownBesideAWorseNodeThatTookOver) {
  wait(1s);
  for (int i = 0; i < 15; ++i) {
    hear(member, 200, "10.0.2.99");
    wait(100ms);
  }
  ASSERT_EQ(lead.reason(), Reason::kGroupMember);
  for (const int priority : {50, 50, 50, 0}) {
    hear(member, 200, "10.0.2.99");
    hear(lead, priority, "10.0.2.98");
    wait(100ms);
  }
  for (int i = 0; i < 10; ++i) {
    hear(member, 200, "10.0.2.99");
    wait(100ms);
    ASSERT_EQ(lead.state(), State::kBackup) << "it would be beaten again, and the worse one after it";
  }
}

TEST_F(Group, OutlivesTheFewAdvertisementsOfATakeoverAtATie) {
  wait(1s);
  hear(member, 100, "10.0.2.99");
  wait(5ms);
  hear(member, 100, "10.0.2.99");
  for (int i = 0; i < 40; ++i) {
    wait(50ms);
    ASSERT_EQ(lead.state(), State::kMaster) << i;
  }
}

TEST_F(Group, RemembersTheBetterOneWhenAWorseOneSpeaksInBetween) {
  wait(1s);
  for (int i = 0; i < 15; ++i) {
    hear(member, 200, "10.0.2.99");
    wait(100ms);
  }
  ASSERT_EQ(lead.reason(), Reason::kGroupMember);
  for (int i = 0; i < 20; ++i) {
    hear(member, 200, "10.0.2.99");
    hear(member, 50, "10.0.2.98");
    wait(100ms);
    ASSERT_EQ(lead.state(), State::kBackup) << i;
  }
}

TEST_F(Group, StandsWhenTheBetterOneFallsBelow) {
  wait(1s);
  for (int i = 0; i < 25; ++i) {
    hear(member, 200, "10.0.2.99");
    wait(100ms);
  }
  ASSERT_EQ(lead.reason(), Reason::kGroupMember);
  hear(member, 50, "10.0.2.99");
  EXPECT_FALSE(member.member_state().beaten) << "a check failed there: nobody is to wait for his silence";
  wait(1ms);
  EXPECT_EQ(lead.state(), State::kMaster);
  EXPECT_EQ(member.state(), State::kMaster);
}

TEST_F(Group, ResolvesATieThatLastsByTheAddress) {
  wait(1s);
  for (int i = 0; i < 15; ++i) {
    hear(member, 100, "10.0.2.99");
    wait(100ms);
  }
  EXPECT_EQ(lead.state(), State::kBackup) << "10.0.2.99 is greater than our 10.0.2.15";
  EXPECT_EQ(member.state(), State::kBackup);
}

TEST_F(Group, OutlastsAContestThatWasOverAtOnce) {
  wait(1s);
  hear(member, 100, "10.0.2.99");
  wait(1ms);
  hear(member, 100, "10.0.2.99");
  wait(5s);
  EXPECT_EQ(lead.state(), State::kMaster);
  const auto log = lead_world.take();
  EXPECT_EQ(std::count(log.begin(), log.end(), "Master->Backup"), 0);
}

TEST_F(Group, KeepsATieThatItWins) {
  wait(1s);
  for (int i = 0; i < 20; ++i) {
    hear(member, 100, "10.0.2.3");
    wait(100ms);
  }
  EXPECT_EQ(lead.state(), State::kMaster);
  EXPECT_EQ(member.state(), State::kMaster);
}

TEST_F(Group, IsNotTornByTheMomentsOfAMove) {
  wait(1s);
  hear(member, 200, "10.0.2.99");
  EXPECT_EQ(member.state(), State::kBackup);
  wait(50ms);
  hear(lead, 200, "10.0.2.99");
  EXPECT_EQ(lead.state(), State::kBackup);
  for (int i = 0; i < 20; ++i) {
    hear(member, 200, "10.0.2.99");
    hear(lead, 200, "10.0.2.99");
    wait(100ms);
  }
  EXPECT_EQ(lead.reason(), Reason::kLowerPriority);
  wait(2s);
  EXPECT_EQ(lead.state(), State::kMaster) << "nothing of it holds the next election up";
  EXPECT_EQ(member.state(), State::kMaster);
}

}  // namespace
}  // namespace vipra::router
