// A group beside a sync group of keepalived: both move as a whole.
#include "tests/lab/interop.hpp"

namespace vipra::lab {
namespace {

struct GroupBesideKeepalived : Interop {
  void start_group(int priority, const std::string& more_of_the_member = {}) {
    auto lead = definition(priority, "Immediate");
    lead.name = "a";
    lead.extra_vrrp += "    group: all\n";
    ASSERT_OK(node("node-a").write_definition("a.yaml", lead.yaml()));
    ASSERT_NO_FATAL_FAILURE(write_member(priority, more_of_the_member));
    ASSERT_OK(node("node-a").start_agent(agent()));
  }
  void write_member(int priority, const std::string& more = {}) {
    auto member = definition(priority, "Immediate");
    member.name = "b";
    member.virtual_router_id = 52;
    member.addresses = {"10.99.0.101"};
    member.extra_vrrp += "    group: all\n" + more;
    ASSERT_OK(node("node-a").write_definition("b.yaml", member.yaml()));
  }
  PeerDefinition sync_group(int priority) const {
    auto out = peer(priority);
    out.sync_group = {{52, "10.99.0.101"}};
    return out;
  }
  bool has_both(const char* name) {
    const char* other = name == std::string{"node-a"} ? "node-b" : "node-a";
    return wait_until(
        [&] {
          return node(name).owns(vip_) && node(name).owns(member_) && !node(other).owns(vip_) &&
                 !node(other).owns(member_);
        },
        s{20});
  }

  IpAddress member_ = *IpAddress::parse("10.99.0.101");
};

TEST_F(GroupBesideKeepalived, BothMoveAsAWholeInBothDirections) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, Wire{"Ipv4"}));
  ASSERT_TRUE(start_keepalived("node-b", sync_group(100)));
  ASSERT_TRUE(has_both("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_group(200));
  EXPECT_TRUE(has_both("node-a"));
  ASSERT_OK(node("node-a").stop_agent());
  EXPECT_TRUE(has_both("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_group(200));
  EXPECT_TRUE(has_both("node-a"));
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(wait_until([&] { return node("node-b").owns(vip_) && node("node-b").owns(member_); }, s{20}));
}

TEST_F(GroupBesideKeepalived, AMembersFaultGivesItBoth) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, Wire{"Ipv4"}));
  ASSERT_NO_FATAL_FAILURE(start_group(200));
  ASSERT_TRUE(wait_until([&] { return node("node-a").owns(vip_) && node("node-a").owns(member_); }, s{20}));
  ASSERT_TRUE(start_keepalived("node-b", sync_group(100)));
  const auto fault = "    track: [{name: uplink, link: {interface: none0}, onFailure: {fault: {}}}]\n";
  ASSERT_NO_FATAL_FAILURE(write_member(200, fault));
  EXPECT_TRUE(has_both("node-b"));
  ASSERT_NO_FATAL_FAILURE(write_member(200));
  EXPECT_TRUE(has_both("node-a"));
}

TEST_F(GroupBesideKeepalived, ABetterSyncGroupTakesBoth) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, Wire{"Ipv4"}));
  ASSERT_NO_FATAL_FAILURE(start_group(100));
  ASSERT_TRUE(wait_until([&] { return node("node-a").owns(vip_) && node("node-a").owns(member_); }, s{20}));
  auto* better = start_keepalived("node-b", sync_group(200));
  ASSERT_TRUE(better);
  EXPECT_TRUE(has_both("node-b"));
  ASSERT_OK(better->stop());
  EXPECT_TRUE(has_both("node-a"));
}

}  // namespace
}  // namespace vipra::lab
