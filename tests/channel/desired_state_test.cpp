#include <gtest/gtest.h>

#include <functional>

#include "channel/convert.hpp"
#include "channel/framing.hpp"
#include "channel/protocol.hpp"
#include "sys/memfd.hpp"

namespace vipra::channel {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

plan::VirtualRouter router_v4(std::string id = "web/ipv4") {
  plan::VirtualRouter out;
  out.id = std::move(id);
  out.vrid = *vrrp::Vrid::make(51);
  out.addresses = {{IpAddress::v4(192, 0, 2, 10), "web"}, {IpAddress::v4(192, 0, 2, 11), "mail"}};
  out.seniority.name = "web";
  return out;
}

plan::VirtualRouter router_v6(std::string id = "web/ipv6") {
  plan::VirtualRouter out;
  out.id = std::move(id);
  out.family = Family::kIpv6;
  out.vrid = *vrrp::Vrid::make(255);
  out.interface = {plan::InterfaceSelector::Kind::kByPattern, "eth[0-9]+"};
  out.fence = plan::Fence::kLease;
  out.addresses = {{*IpAddress::parse("2001:db8::10"), "web"}};
  out.link_local = *IpAddress::parse("fe80::1");
  out.base_priority = 255;
  out.preemption = {plan::PreemptionPolicy::kDelayed, seconds{30}};
  out.interval = milliseconds{40950};
  out.misses = 5;
  out.startup_delay = seconds{45};
  out.link_up_delay = seconds{5};
  out.recovery_delay = seconds{6};
  out.checksum = plan::ChecksumMode::kRfc5798;
  out.lead = "web/ipv4";
  out.seniority = {1'700'000'000, "web"};
  out.carrier = plan::Carrier::kVirtualMac;
  out.group = "shop";
  out.tracks = {
      {"uplink", plan::LinkTrack{"eth1"}, -50},
      {"gateway", plan::GatewayTrack{*IpAddress::parse("2001:db8::ff"), seconds{2}, 5}, std::nullopt},
      {"any-gateway", plan::GatewayTrack{}, 254},
      {"default", plan::RouteTrack{*IpAddress::parse("::"), 0}, -1}};
  out.announcements = {{milliseconds{10}, seconds{1}}, seconds{30}, seconds{2}, true};
  out.transport = {plan::TransportMode::kBoth,
                   {*IpAddress::parse("2001:db8::2"), *IpAddress::parse("fe80::2")}};
  return out;
}

plan::DesiredState state_of(std::vector<plan::VirtualRouter> routers) {
  return {7, "node-a", std::move(routers), {{"node-b", {*IpAddress::parse("192.0.2.2")}, 3}}};
}

std::vector<std::uint8_t> bytes_of(const v1::DesiredState& wire) {
  const auto text = wire.SerializeAsString();
  return {text.begin(), text.end()};
}

// Both readers must come to one judgement.
Result<plan::DesiredState> read(const v1::DesiredState& wire) {
  const auto bytes = bytes_of(wire);
  auto state = read_desired_state(bytes);
  EXPECT_EQ(check_desired_state(bytes).has_value(), state.has_value());
  return state;
}

TEST(DesiredState, survives_the_channel_whole) {
  const auto before = state_of({router_v4(), router_v6()});
  const auto after = read(to_proto(before));
  ASSERT_TRUE(after) << after.error().what;
  EXPECT_EQ(after->generation, 7U);
  EXPECT_EQ(after->node, "node-a");
  EXPECT_EQ(after->routers, before.routers);
  EXPECT_EQ(after->peers, before.peers);
}

TEST(DesiredState, may_have_no_router) {
  const auto after = read(to_proto(state_of({})));
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->routers.empty());
}

TEST(DesiredState, is_summarised_without_being_built) {
  const auto summary = check_desired_state(bytes_of(to_proto(state_of({router_v4(), router_v6()}))));
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->generation, 7U);
  EXPECT_EQ(summary->node, "node-a");
  EXPECT_EQ(summary->routers, 2U);
}

struct Mutation {
  const char* what;
  std::function<void(v1::VirtualRouter&)> change;
};

// Each on its own turns a good IPv4 router into a bad one; the error names the router and the field.
class BadField : public testing::TestWithParam<Mutation> {};

TEST_P(BadField, is_an_error_that_names_it) {
  auto wire = to_proto(state_of({router_v4()}));
  ASSERT_TRUE(read(wire));
  GetParam().change(*wire.mutable_routers(0));
  const auto state = read(wire);
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().what.find(GetParam().what), std::string::npos) << state.error().what;
}

std::string wire_of(const char* text) {
  return to_wire(*IpAddress::parse(text));
}

INSTANTIATE_TEST_SUITE_P(
    Ipv4Router, BadField,
    testing::Values(
        Mutation{": id", [](auto& r) { r.set_id(""); }},
        Mutation{": id", [](auto& r) { r.set_id(std::string(272, 'x')); }},
        Mutation{": id", [](auto& r) { r.set_id(std::string("a\0b", 3)); }},
        Mutation{"web/ipv4: family", [](auto& r) { r.set_family(5); }},
        Mutation{"web/ipv4: vrid", [](auto& r) { r.set_vrid(0); }},
        Mutation{"web/ipv4: startup_delay_ns", [](auto& r) { r.set_startup_delay_ns(-1); }},
        Mutation{"web/ipv4: startup_delay_ns", [](auto& r) { r.set_startup_delay_ns(86'400'000'000'001); }},
        Mutation{"web/ipv4: link_up_delay_ns", [](auto& r) { r.set_link_up_delay_ns(-1); }},
        Mutation{"web/ipv4: link_up_delay_ns", [](auto& r) { r.set_link_up_delay_ns(86'400'000'000'001); }},
        Mutation{"web/ipv4: vrid", [](auto& r) { r.set_vrid(256); }},
        Mutation{"web/ipv4: vrid", [](auto& r) { r.set_vrid(0xffffffff); }},
        Mutation{"web/ipv4: version", [](auto& r) { r.set_version(4); }},
        Mutation{"web/ipv4: version", [](auto& r) { r.set_version(0); }},
        Mutation{"web/ipv4: transport.mode", [](auto& r) { r.mutable_transport()->set_mode(3); }},
        Mutation{"web/ipv4: transport.peers",
                 [](auto& r) { r.mutable_transport()->add_peers(wire_of("192.0.2.2")); }},
        Mutation{"web/ipv4: transport.peers",
                 [](auto& r) {
                   r.mutable_transport()->set_mode(1);
                   r.mutable_transport()->add_peers(wire_of("2001:db8::2"));
                 }},
        Mutation{"web/ipv4: transport.peers",
                 [](auto& r) {
                   r.mutable_transport()->set_mode(2);
                   r.mutable_transport()->add_peers(wire_of("224.0.0.18"));
                 }},
        Mutation{"web/ipv4: transport.peers",
                 [](auto& r) {
                   r.mutable_transport()->set_mode(2);
                   r.mutable_transport()->add_peers("xx");
                 }},
        Mutation{"web/ipv4: transport.peers",
                 [](auto& r) {
                   r.mutable_transport()->set_mode(2);
                   r.mutable_transport()->add_peers(wire_of("192.0.2.3"));
                   r.mutable_transport()->add_peers(wire_of("192.0.2.2"));
                 }},
        Mutation{"web/ipv4: transport.peers",
                 [](auto& r) {
                   r.mutable_transport()->set_mode(2);
                   r.mutable_transport()->add_peers(wire_of("192.0.2.3"));
                   r.mutable_transport()->add_peers(wire_of("192.0.2.3"));
                 }},
        Mutation{"web/ipv4: carrier", [](auto& r) { r.set_carrier(2); }},
        Mutation{"web/ipv4: fence", [](auto& r) { r.set_fence(3); }},
        Mutation{
            "interface.kind",
            [](auto& r) { r.mutable_interface()->set_kind(static_cast<v1::InterfaceSelector::Kind>(9)); }},
        Mutation{"interface.text", [](auto& r) { r.mutable_interface()->set_text("eth0"); }},
        Mutation{"interface.text",
                 [](auto& r) { r.mutable_interface()->set_kind(v1::InterfaceSelector::KIND_BY_NAME); }},
        Mutation{"interface.text",
                 [](auto& r) {
                   r.mutable_interface()->set_kind(v1::InterfaceSelector::KIND_BY_NAME);
                   r.mutable_interface()->set_text("sixteen-letters!");
                 }},
        Mutation{"interface.text",
                 [](auto& r) { r.mutable_interface()->set_kind(v1::InterfaceSelector::KIND_BY_PATTERN); }},
        Mutation{"interface.text",
                 [](auto& r) {
                   r.mutable_interface()->set_kind(v1::InterfaceSelector::KIND_BY_PATTERN);
                   r.mutable_interface()->set_text(std::string(257, 'x'));
                 }},
        Mutation{": addresses", [](auto& r) { r.clear_addresses(); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip("abc"); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip(""); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip(wire_of("2001:db8::1")); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip(wire_of("0.0.0.0")); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip(wire_of("127.0.0.1")); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip(wire_of("224.0.0.18")); }},
        Mutation{": addresses", [](auto& r) { r.mutable_addresses(0)->set_ip(wire_of("255.255.255.255")); }},
        Mutation{"192.0.2.11 occurs twice",
                 [](auto& r) { r.mutable_addresses(0)->set_ip(wire_of("192.0.2.11")); }},
        Mutation{"virtual_ip", [](auto& r) { r.mutable_addresses(1)->clear_virtual_ip(); }},
        Mutation{"virtual_ip",
                 [](auto& r) { r.mutable_addresses(1)->set_virtual_ip(std::string(254, 'x')); }},
        Mutation{"link_local", [](auto& r) { r.set_link_local(wire_of("fe80::1")); }},
        Mutation{"base_priority", [](auto& r) { r.set_base_priority(0); }},
        Mutation{"base_priority", [](auto& r) { r.set_base_priority(256); }},
        Mutation{": preemption", [](auto& r) { r.set_preemption(3); }},
        Mutation{"preemption_delay", [](auto& r) { r.set_preemption_delay_ns(-1); }},
        Mutation{"preemption_delay", [](auto& r) { r.set_preemption_delay_ns(INT64_MAX); }},
        Mutation{"interval", [](auto& r) { r.set_interval_ns(0); }},
        Mutation{"interval", [](auto& r) { r.set_interval_ns(-10'000'000); }},
        Mutation{"interval", [](auto& r) { r.set_interval_ns(15'000'000); }},
        Mutation{"interval", [](auto& r) { r.set_interval_ns(40'960'000'000); }},
        Mutation{"interval", [](auto& r) { r.set_interval_ns(INT64_MAX); }},
        Mutation{"misses", [](auto& r) { r.set_misses(0); }},
        Mutation{"misses", [](auto& r) { r.set_misses(256); }},
        Mutation{"checksum", [](auto& r) { r.set_checksum(3); }},
        Mutation{": lead", [](auto& r) { r.set_lead("web/ipv4"); }},
        Mutation{"does not exist", [](auto& r) { r.set_lead("nobody"); }},
        Mutation{": lead", [](auto& r) { r.set_lead(std::string(272, 'x')); }},
        Mutation{"senior_name", [](auto& r) { r.clear_senior_name(); }},
        Mutation{"senior_name", [](auto& r) { r.set_senior_name(std::string(254, 'x')); }}));

TEST(DesiredState, of_ipv6_needs_a_link_local_address_of_its_own) {
  for (const auto* bad : {"192.0.2.1", "2001:db8::1", "2001:db8::10"}) {
    auto wire = to_proto(state_of({router_v4(), router_v6()}));
    wire.mutable_routers(1)->set_link_local(wire_of(bad));
    EXPECT_FALSE(read(wire)) << bad;
  }
  auto wire = to_proto(state_of({router_v4(), router_v6()}));
  wire.mutable_routers(1)->clear_link_local();
  EXPECT_FALSE(read(wire));
  wire = to_proto(state_of({router_v4(), router_v6()}));
  wire.mutable_routers(1)->mutable_addresses(0)->set_ip(wire_of("fe80::1"));
  EXPECT_FALSE(read(wire)) << "the link-local address twice";
}

TEST(DesiredState, holds_as_many_addresses_as_a_definition_lists) {
  const auto with = [](Family family, int count) {
    auto router = family == Family::kIpv4 ? router_v4() : router_v6();
    router.lead.reset();
    router.addresses.clear();
    for (int i = 1; i <= count; ++i) {
      const auto text = family == Family::kIpv4
                            ? "10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1)
                            : "2001:db8::" + std::to_string(i);
      router.addresses.push_back({*IpAddress::parse(text), "web"});
    }
    return read(to_proto(state_of({router}))).has_value();
  };
  EXPECT_TRUE(with(Family::kIpv4, 1024));
  EXPECT_FALSE(with(Family::kIpv4, 1025));
  EXPECT_TRUE(with(Family::kIpv6, 1024));
  EXPECT_FALSE(with(Family::kIpv6, 1025));
}

TEST(DesiredState, version_2_is_for_ipv4_and_counts_whole_seconds) {
  auto wire = to_proto(state_of({router_v4()}));
  wire.mutable_routers(0)->set_version(2);
  EXPECT_FALSE(read(wire)) << "100 ms";
  wire.mutable_routers(0)->set_interval_ns(255'000'000'000);
  EXPECT_TRUE(read(wire));
  wire.mutable_routers(0)->set_interval_ns(256'000'000'000);
  EXPECT_FALSE(read(wire));
  auto six = to_proto(state_of({router_v4(), router_v6()}));
  six.mutable_routers(1)->set_version(2);
  six.mutable_routers(1)->set_interval_ns(1'000'000'000);
  EXPECT_FALSE(read(six));
}

TEST(DesiredState, carries_the_password_of_version_2_and_of_no_other) {
  auto router = router_v4();
  router.version = vrrp::Version::kV2;
  router.interval = seconds{1};
  router.password = vrrp::SimplePassword::make("8 bytes!");
  const auto wire = to_proto(state_of({router}));
  const auto after = read(wire);
  ASSERT_TRUE(after) << after.error().what;
  EXPECT_EQ(after->routers.at(0), router);
  for (const auto& password : {std::string{"9 bytes!!"}, std::string{"a\0b", 3}}) {
    auto bad = wire;
    bad.mutable_routers(0)->set_simple_password(password);
    const auto state = read(bad);
    ASSERT_FALSE(state);
    EXPECT_NE(state.error().what.find("simple_password"), std::string::npos);
    EXPECT_EQ(state.error().what.find(password.substr(0, 2)), std::string::npos) << "not in an error either";
  }
  auto version_3 = wire;
  version_3.mutable_routers(0)->set_version(3);
  EXPECT_FALSE(read(version_3));
}

TEST(DesiredState, wants_sorted_unique_ids) {
  EXPECT_FALSE(read(to_proto(state_of({router_v6(), router_v4()}))));
  EXPECT_FALSE(read(to_proto(state_of({router_v4(), router_v4()}))));
}

TEST(DesiredState, knows_no_chain_of_leads) {
  auto a = router_v4("a");
  auto b = router_v4("b");
  auto c = router_v4("c");
  b.lead = "a";
  c.lead = "a";
  EXPECT_TRUE(read(to_proto(state_of({a, b, c}))));
  c.lead = "b";
  EXPECT_FALSE(read(to_proto(state_of({a, b, c}))));
  a.lead = "b";
  c.lead.reset();
  EXPECT_FALSE(read(to_proto(state_of({a, b, c})))) << "a circle";
}

TEST(DesiredState, names_its_node_and_sane_peers) {
  auto wire = to_proto(state_of({}));
  wire.set_node("");
  EXPECT_FALSE(read(wire));
  wire.set_node(std::string(254, 'x'));
  EXPECT_FALSE(read(wire));
  wire.set_node("node a");
  EXPECT_FALSE(read(wire)) << "a space";
  wire.set_node("n");
  wire.mutable_peers(0)->set_addresses(0, "xx");
  EXPECT_FALSE(read(wire));
  wire.mutable_peers(0)->clear_addresses();
  EXPECT_TRUE(read(wire));
  wire.mutable_peers(0)->clear_node();
  EXPECT_FALSE(read(wire));
}

TEST(DesiredState, has_as_many_routers_as_the_shared_page_has_slots) {
  std::vector<plan::VirtualRouter> routers;
  for (std::size_t i = 0; i <= kMaxRouters; ++i)
    routers.push_back(router_v4("r" + std::to_string(10'000 + i)));
  EXPECT_FALSE(read(to_proto(state_of(routers))));
  routers.pop_back();
  EXPECT_TRUE(read(to_proto(state_of(routers))));
}

TEST(DesiredState, passes_over_fields_of_a_later_build) {
  auto bytes = bytes_of(to_proto(state_of({router_v4()})));
  const std::vector<std::uint8_t> later{15 << 3 | 0, 0x81, 0x01,                         // a varint
                                        14 << 3 | 2, 0x03, 'a',  'b', 'c',               // bytes
                                        13 << 3 | 5, 1,    2,    3,   4,                 // 32 bits
                                        12 << 3 | 1, 1,    2,    3,   4,   5, 6, 7, 8};  // 64 bits
  bytes.insert(bytes.begin(), later.begin(), later.end());
  bytes.insert(bytes.end(), later.begin(), later.end());
  EXPECT_TRUE(read_desired_state(bytes));
}

TEST(DesiredState, is_an_error_wherever_it_is_cut) {
  const auto whole = bytes_of(to_proto(state_of({router_v4(), router_v6()})));
  const auto end_of_node = bytes_of(to_proto({7, "node-a", {}, {}})).size();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto state = read_desired_state(std::span{whole}.first(size));
    // A cut between two parts leaves a smaller state, which is one; every other cut is an error.
    EXPECT_TRUE(!state || size >= end_of_node) << size;
  }
}

TEST(DesiredState, is_an_error_with_garbage_at_any_place_or_still_a_good_state) {
  silence_protobuf_log();
  const auto whole = bytes_of(to_proto(state_of({router_v4(), router_v6()})));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0x00, 0x7f, 0x80, 0xff}) {
      auto bytes = whole;
      bytes[at] = static_cast<std::uint8_t>(value);
      const auto state = read_desired_state(bytes);
      EXPECT_TRUE(!state || read(to_proto(*state))) << "at " << at << ": what was accepted is not acceptable";
    }
  }
}

TEST(DesiredStateFile, is_read_from_the_descriptor_beside_its_reference) {
  const auto before = state_of({router_v4(), router_v6()});
  const auto file = make_desired_state_file(before);
  ASSERT_TRUE(file);
  const auto after = read_desired_state_file(file->fd.get(), file->ref);
  ASSERT_TRUE(after) << after.error().what;
  EXPECT_EQ(after->routers, before.routers);
}

TEST(DesiredStateFile, is_refused_when_it_is_not_what_was_announced) {
  const auto file = make_desired_state_file(state_of({router_v4()}));
  auto ref = file->ref;
  ref.set_generation(8);
  EXPECT_FALSE(read_desired_state_file(file->fd.get(), ref));
  ref = file->ref;
  ref.set_size(ref.size() - 1);
  EXPECT_FALSE(read_desired_state_file(file->fd.get(), ref));
  ref = file->ref;
  ref.set_size(kMaxDesiredStateBytes + 1);
  EXPECT_FALSE(read_desired_state_file(file->fd.get(), ref));
  EXPECT_FALSE(read_desired_state_file(-1, file->ref));
}

}  // namespace
}  // namespace vipra::channel
