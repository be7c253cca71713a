// Packets that nobody should send.
#include <random>
#include <sstream>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

struct Hostile : AgentLab {
  // Everything a stranger on the segment might send, from the client.
  Bytes advert(const Advert& fields) {
    const auto& facts = lab_->client().facts();
    return vrrp_frame(fields, facts.mac, facts.v4);
  }
  Advert good(std::uint8_t priority) {
    Advert fields;
    fields.vrid = 51;
    fields.priority = priority;
    fields.interval_cs = 10;
    fields.addresses = {vip_};
    return fields;
  }
  // Dropped packets of node-a, by router or before one was found; of one reason, or ("") of all.
  double dropped(const std::string& reason = {}) {
    const auto answer = node("node-a").run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
    if (!answer) return -1;
    double sum = 0;
    std::istringstream lines{answer->out};
    for (std::string line; std::getline(lines, line);) {
      const bool counts = line.starts_with("vipra_advertisements_dropped_total{") ||
                          line.starts_with("vipra_packets_dropped_total{");
      if (!counts || line.find("reason=\"" + reason) == std::string::npos) continue;
      sum += std::stod(line.substr(line.rfind(' ') + 1));
    }
    return sum;
  }
};

TEST_F(Hostile, BrokenAdvertisementsAreDroppedByReasonAndMoveNothing) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  auto corrupt = advert(good(254));
  corrupt.back() ^= 0x55;
  auto ttl = good(254);
  const auto& facts = lab_->client().facts();
  IpFrame routed;
  routed.source_mac = facts.mac;
  routed.source = facts.v4;
  routed.destination = vrrp_group(Family::kIpv4);
  routed.ttl = 254;
  auto other = good(254);
  other.vrid = 77;
  auto zero = good(254);
  zero.interval_cs = 0;
  for (const auto& frame :
       {corrupt, ip_frame(routed, vrrp_message(ttl, facts.v4)), advert(other), advert(zero)}) {
    ASSERT_OK(lab_->client().inject(frame));
  }
  for (const auto* reason : {"Checksum\"", "Ttl\"", "Vrid\"", "IntervalZero\""}) {
    EXPECT_TRUE(wait_until([&] { return dropped(reason) >= 1; }, s{10}, ms{200})) << reason;
  }
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(Hostile, AStormOfForgedLosersIsAnsweredByAHandful) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  const auto frame = advert(good(1));
  const auto begin = now();
  ASSERT_OK(lab_->client().inject(std::vector<Bytes>(1000, frame)));
  const auto length = now() - begin;
  ASSERT_TRUE(wait_until([&] { return now() - begin > length + ms{200}; }, s{5}));
  std::size_t sent = 0;
  for (const auto& seen : (*capture)->adverts(51, begin))
    sent += seen.source == node("node-a").facts().v4 ? 1 : 0;
  const auto intervals = static_cast<std::size_t>((length + ms{200}) / ms{100}) + 2;
  EXPECT_LE(sent, intervals * 5) << "one advertisement and at most four replies an interval";
  EXPECT_LE((*capture)->gratuitous_arps(vip_, begin), 4 + static_cast<std::size_t>(length / s{1}) * 2);
  EXPECT_TRUE(node("node-a").owns(vip_));
}

// Over seconds: replies and announcements stay bounded, and the advertisements go on as if nothing were.
TEST_F(Hostile, AThousandForgedLosersASecondMoveNoDeadline) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  auto capture = lab_->capture();
  ASSERT_OK(capture);
  const auto frame = advert(good(1));
  const auto begin = now();
  std::size_t sent = 0;
  while (now() - begin < s{5}) {
    const auto due = static_cast<std::size_t>((now() - begin) / ms{1});
    if (due > sent) ASSERT_OK(lab_->client().inject(std::vector<Bytes>(due - sent, frame)));
    sent = std::max(sent, due);
    (void)wait_until([] { return false; }, ms{5}, ms{5});
  }
  const auto length = now() - begin;
  std::vector<TimePoint> ours;
  for (const auto& packet : (*capture)->packets(begin, TimePoint::max())) {
    const auto seen = as_vrrp(packet.frame);
    if (!seen || seen->source != node("node-a").facts().v4) continue;
    EXPECT_EQ(seen->priority, 200);
    ours.push_back(packet.at);
  }
  ASSERT_GT(ours.size(), 10u);
  EXPECT_GE(sent, 4500u);
  const auto intervals = static_cast<std::size_t>(length / ms{100}) + 2;
  EXPECT_LE(ours.size(), intervals * 5) << "one advertisement and at most four replies an interval";
  const auto seconds = static_cast<std::size_t>(length / s{1});
  EXPECT_LE((*capture)->gratuitous_arps(vip_, begin), seconds + 1 + 3) << "one a second, and the first repeats";
  Duration longest{};
  for (std::size_t i = 1; i < ours.size(); ++i) longest = std::max(longest, Duration{ours[i] - ours[i - 1]});
  EXPECT_LT(longest, ms{250}) << "no advertisement was put off";
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
  EXPECT_EQ(count_logged(node("node-b"), "\"to\":\"Master\""), 0u);
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(Hostile, RandomBytesAtTheRawSocketAreCountedAndForgotten) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  std::mt19937 random{20261122};
  const auto& facts = lab_->client().facts();
  std::vector<Bytes> frames;
  for (int i = 0; i < 3000; ++i) {
    Bytes payload(random() % 200);
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
    if (!payload.empty() && i % 3 == 0) payload[0] = 0x31;
    if (payload.size() > 1 && i % 3 == 0) payload[1] = 51;
    IpFrame head;
    head.source_mac = facts.mac;
    head.source = facts.v4;
    head.destination = vrrp_group(Family::kIpv4);
    frames.push_back(ip_frame(head, payload));
  }
  ASSERT_OK(lab_->client().inject(frames));
  EXPECT_TRUE(wait_until([&] { return dropped() >= 2900; }, s{10}, ms{200})) << dropped();
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"event\":\"speaker.started\""), 1u);
}

TEST_F(Hostile, AForeignCaptureIsDroppedByItsVrid) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  std::vector<Bytes> frames;
  for (int vrid = 1; vrid <= 255; ++vrid) {
    if (vrid == 51) continue;
    auto fields = good(255);
    fields.vrid = static_cast<std::uint8_t>(vrid);
    frames.push_back(advert(fields));
  }
  ASSERT_OK(lab_->client().inject(frames));
  EXPECT_TRUE(wait_until([&] { return dropped() >= 254; }, s{10}, ms{200}));
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(Hostile, BothChecksumFormsAreHeardAndMixingThemIsAWarning) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  auto rfc5798 = good(1);
  rfc5798.checksum = VrrpChecksum::kPseudoHeader;
  auto rfc9568 = good(1);
  rfc9568.checksum = VrrpChecksum::kPlain;
  ASSERT_OK(lab_->client().inject(advert(rfc5798)));
  ASSERT_OK(lab_->client().inject(advert(rfc9568)));
  EXPECT_TRUE(wait_until(
      [&] { return vipctl(node("node-a"), {"explain", "web"}).find("checksum") != std::string::npos; }, s{10},
      ms{100}))
      << vipctl(node("node-a"), {"explain", "web"});
}

}  // namespace
}  // namespace vipra::lab
