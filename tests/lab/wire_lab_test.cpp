// Every kind of packet that an agent sends, and their order, as the switch sees them.
#include <algorithm>

#include "tests/lab/agent_lab.hpp"
#include "tests/lab/vrrp_fields.hpp"

namespace vipra::lab {
namespace {

using testing::SizeIs;

constexpr std::size_t kIcmpv6 = 40;  // behind an IPv6 header without extensions

// RFC 1071 over the ICMPv6 message and its pseudo-header: 0 where the checksum is right.
std::uint32_t icmpv6_sum(ByteSpan ip) {
  std::uint32_t sum = static_cast<std::uint32_t>(ip.size() - kIcmpv6) + 58;
  for (std::size_t i = 8; i + 1 < ip.size(); i += 2)
    sum += static_cast<std::uint32_t>(ip[i] << 8U | ip[i + 1]);
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return 0xffffU - sum;
}

class WireConformance : public AgentLab {
 protected:
  void watch(std::size_t nodes) {
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
    auto addresses = lab_->watch_addresses();
    ASSERT_OK(addresses);
    addresses_ = std::move(*addresses);
  }
  void run(const VipDefinition& definition, const char* name = "node-a") {
    ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
    ASSERT_OK(node(name).start_agent(agent()));
  }
  [[nodiscard]] static VipDefinition alone(const std::string& extra_vrrp = {},
                                           const std::string& extra_spec = {},
                                           const std::string& address = "10.99.0.100") {
    VipDefinition out;
    out.addresses = {address};
    out.extra_vrrp = extra_vrrp;
    out.extra_spec = extra_spec;
    return out;
  }
  [[nodiscard]] std::vector<Packet> sent(const char* port = "p-node-a") const {
    auto out = capture_->packets();
    std::erase_if(out, [&](const Packet& packet) { return packet.port != port; });
    return out;
  }
  struct Advert {
    TimePoint at;
    VrrpFields fields;
  };
  [[nodiscard]] std::vector<Advert> adverts(const char* port = "p-node-a") const {
    std::vector<Advert> out;
    for (const auto& packet : sent(port))
      if (auto fields = vrrp_fields(packet.frame)) out.push_back({packet.at, std::move(*fields)});
    return out;
  }
  VrrpFields an_advert() {
    EXPECT_TRUE(wait_until([&] { return !adverts().empty(); }, s{10}));
    const auto all = adverts();
    return all.empty() ? VrrpFields{} : all.front().fields;
  }
  // When the node told the segment where the address lives.
  [[nodiscard]] std::vector<TimePoint> announcements(const IpAddress& ip,
                                                     const char* port = "p-node-a") const {
    std::vector<TimePoint> out;
    for (const auto& packet : sent(port)) {
      const auto arp = as_gratuitous_arp(packet.frame);
      const auto na = as_neighbour_advertisement(packet.frame);
      if ((arp && arp->address == ip) || (na && na->target == ip && !na->solicited)) out.push_back(packet.at);
    }
    return out;
  }
  [[nodiscard]] std::optional<TimePoint> changed(const char* name, const IpAddress& ip, bool added,
                                                 TimePoint from = {}) const {
    for (const auto& change : addresses_->changes())
      if (change.station == name && change.address == ip && change.added == added && change.at >= from)
        return change.at;
    return std::nullopt;
  }

  std::unique_ptr<Capture> capture_;
  std::unique_ptr<AddressWatch> addresses_;
};

TEST_F(WireConformance, AnAdvertisementOverIpv4) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  ASSERT_NO_FATAL_FAILURE(run(alone()));
  const auto fields = an_advert();
  const VrrpFields expected{{"destination MAC", "01005e000012"},
                            {"source MAC", "029900000001"},
                            {"traffic class", "c0"},
                            {"TTL", "255"},
                            {"source", "0a630001"},
                            {"destination", "e0000012"},
                            {"version", "3"},
                            {"type", "1"},
                            {"virtual router id", "51"},
                            {"priority", "100"},
                            {"count", "1"},
                            {"interval", "10"},
                            {"reserved", "0"},
                            {"checksum form", "message alone"},
                            {"address list", "0a630064"},
                            {"behind the list", ""}};
  for (const auto& [field, value] : expected) EXPECT_EQ(fields.at(field), value) << field;
}

TEST_F(WireConformance, AnAdvertisementOverIpv6) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  ASSERT_NO_FATAL_FAILURE(run(alone({}, {}, "2001:db8:99::100")));
  const auto fields = an_advert();
  const VrrpFields expected{
      {"destination MAC", "333300000012"},
      {"source MAC", "029900000001"},
      {"traffic class", "c0"},
      {"TTL", "255"},
      {"destination", "ff020000000000000000000000000012"},
      {"version", "3"},
      {"type", "1"},
      {"virtual router id", "51"},
      {"priority", "100"},
      {"count", "2"},
      {"interval", "10"},
      {"reserved", "0"},
      {"checksum form", "with pseudo-header"},
      {"address list", "fe8000000000000002005efffe00023320010db8009900000000000000000100"},
      {"behind the list", ""}};
  for (const auto& [field, value] : expected) EXPECT_EQ(fields.at(field), value) << field;
  EXPECT_EQ(fields.at("source").substr(0, 4), "fe80") << "the node's own link-local address";
}

TEST_F(WireConformance, AnAdvertisementOfVersion2) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  auto definition = alone("    version: 2\n    authentication: {simplePassword: secret}\n");
  definition.interval = std::chrono::seconds{1};
  ASSERT_NO_FATAL_FAILURE(run(definition));
  const auto fields = an_advert();
  const VrrpFields expected{{"destination MAC", "01005e000012"},
                            {"source MAC", "029900000001"},
                            {"traffic class", "c0"},
                            {"TTL", "255"},
                            {"version", "2"},
                            {"type", "1"},
                            {"virtual router id", "51"},
                            {"priority", "100"},
                            {"count", "1"},
                            {"authentication type", "1"},
                            {"interval", "1"},
                            {"checksum form", "message alone"},
                            {"address list", "0a630064"},
                            {"behind the list", "7365637265740000"}};
  for (const auto& [field, value] : expected) EXPECT_EQ(fields.at(field), value) << field;
}

TEST_F(WireConformance, GratuitousArpInBothForms) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  ASSERT_NO_FATAL_FAILURE(run(alone({}, "  announcement: {arpReply: true, arpRepeats: []}\n")));
  ASSERT_TRUE(wait_until([&] { return announcements(vip_).size() >= 2; }, s{10}));
  std::vector<bool> requests;
  for (const auto& packet : sent()) {
    const auto arp = as_gratuitous_arp(packet.frame);
    if (!arp) continue;
    requests.push_back(arp->request);
    const auto body = packet.payload();
    EXPECT_EQ(packet.destination().to_string(), "ff:ff:ff:ff:ff:ff");
    EXPECT_EQ(packet.source().to_string(), "02:99:00:00:00:01");
    EXPECT_EQ(arp->mac.to_string(), "02:99:00:00:00:01");
    EXPECT_TRUE(std::equal(body.begin() + 14, body.begin() + 18, body.begin() + 24)) << "sender is target";
  }
  std::sort(requests.begin(), requests.end());
  EXPECT_EQ(requests, (std::vector<bool>{false, true}))
      << "one of each, and no repeats: they are configured away";
}

TEST_F(WireConformance, UnsolicitedNeighborAdvertisement) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  ASSERT_NO_FATAL_FAILURE(run(alone({}, {}, "2001:db8:99::100")));
  ASSERT_TRUE(wait_until([&] { return !announcements(vip6_).empty(); }, s{10}));
  std::size_t seen = 0;
  for (const auto& packet : sent()) {
    const auto na = as_neighbour_advertisement(packet.frame);
    if (!na || na->target != vip6_ || na->solicited) continue;
    ++seen;
    const auto ip = packet.payload();
    EXPECT_EQ(packet.destination().to_string(), "33:33:00:00:00:01");
    EXPECT_EQ(packet.source().to_string(), "02:99:00:00:00:01");
    EXPECT_EQ(ip[7], 255) << "hop limit";
    EXPECT_EQ(na->destination, *IpAddress::parse("ff02::1"));
    EXPECT_EQ(na->source, vip6_);
    EXPECT_TRUE(na->override_flag);
    EXPECT_FALSE(na->router) << "the node does not forward";
    ASSERT_TRUE(na->mac);
    EXPECT_EQ(na->mac->to_string(), "02:99:00:00:00:01");
    EXPECT_EQ(icmpv6_sum(ip), 0u);
  }
  EXPECT_GE(seen, 1u);
}

TEST_F(WireConformance, PromotionIsAdvertisedFirstAndAnnouncedLast) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  ASSERT_NO_FATAL_FAILURE(run(alone()));
  ASSERT_TRUE(
      wait_until([&] { return !announcements(vip_).empty() && changed("node-a", vip_, true); }, s{10}));
  const auto advertised = adverts().front().at;
  const auto announced = announcements(vip_).front();
  EXPECT_LT(advertised, announced);
  EXPECT_LT(advertised, *changed("node-a", vip_, true));
  // The watch tells of an address a little after the kernel has it.
  EXPECT_LT(*changed("node-a", vip_, true), announced + ms{50});
}

TEST_F(WireConformance, AResignationIsThreeAndThenSilence) {
  ASSERT_NO_FATAL_FAILURE(watch(1));
  ASSERT_NO_FATAL_FAILURE(run(alone()));
  ASSERT_TRUE(owns("node-a"));
  const auto stopped = now();
  ASSERT_OK(node("node-a").stop_agent());
  std::vector<TimePoint> resignations;
  for (const auto& advert : adverts()) {
    if (advert.fields.at("priority") == "0") {
      resignations.push_back(advert.at);
      EXPECT_EQ(advert.fields.at("checksum form"), "message alone") << "made anew for the priority";
    } else if (!resignations.empty()) {
      ADD_FAILURE() << "advertises after it has resigned";
    }
  }
  ASSERT_THAT(resignations, SizeIs(3));
  EXPECT_GE(resignations.front(), stopped);
  for (std::size_t i = 1; i < 3; ++i)
    EXPECT_GE(resignations[i] - resignations[i - 1], std::chrono::microseconds{900});
  const auto removed = changed("node-a", vip_, false);
  ASSERT_TRUE(removed);
  EXPECT_GT(*removed, resignations.front());
}

TEST_F(WireConformance, WhoReleasesKeepsTheAddressUntilTheTakerHasAnnounced) {
  ASSERT_NO_FATAL_FAILURE(watch(2));
  ASSERT_NO_FATAL_FAILURE(run(web()));
  ASSERT_TRUE(owns("node-a"));
  ASSERT_OK(node("node-b").start_agent(agent()));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  const auto stopped = now();
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(owns("node-b"));
  const auto all = adverts();
  const auto resigned = std::find_if(all.begin(), all.end(), [&](const Advert& advert) {
    return advert.at >= stopped && advert.fields.at("priority") == "0";
  });
  ASSERT_NE(resigned, all.end());
  ASSERT_FALSE(adverts("p-node-b").empty());
  const auto taken = adverts("p-node-b").front().at;
  const auto announced = announcements(vip_, "p-node-b");
  const auto removed = changed("node-a", vip_, false, stopped);
  ASSERT_TRUE(!announced.empty() && removed);
  EXPECT_LT(resigned->at, taken);
  EXPECT_LT(taken, announced.front());
  EXPECT_GE(*removed - announced.front(), ms{10});
  for (const auto& at : announcements(vip_)) EXPECT_LT(at, resigned->at) << "who gives up announces no more";
}

}  // namespace
}  // namespace vipra::lab
