// Others on the segment: foreign virtual routers, hosts that use our addresses; and what is announced when.
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "lab/peer.hpp"
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr MacAddress kStranger{{0x02, 0x99, 0, 0, 0, 0xee}};

class Conflicts : public AgentLab {
 protected:
  void watch() {
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
  }
  // The owner has announced what it repeats after a promotion, and is quiet until the refresh.
  void quiet_owner(const VipDefinition& definition, std::size_t nodes = 1) {
    ASSERT_NO_FATAL_FAILURE(up_with_owner(nodes, definition));
    ASSERT_NO_FATAL_FAILURE(watch());
    const auto from = now();
    ASSERT_TRUE(wait_until([&] { return now() - from > s{6}; }, s{10}, ms{50}));
  }

  // When node-a announced an address.
  std::vector<TimePoint> announced(const IpAddress& ip, TimePoint from) const {
    std::vector<TimePoint> out;
    for (const auto& packet : capture_->packets(from, TimePoint::max())) {
      if (packet.port != "p-node-a") continue;
      const auto arp = as_gratuitous_arp(packet.frame);
      const auto na = as_neighbour_advertisement(packet.frame);
      if ((arp && arp->request && arp->address == ip) || (na && !na->solicited && na->target == ip))
        out.push_back(packet.at);
    }
    return out;
  }
  std::vector<int> announced_ms(const IpAddress& ip, TimePoint from) const {
    std::vector<int> out;
    for (const auto at : announced(ip, from)) out.push_back(static_cast<int>((at - from) / ms{1}));
    return out;
  }
  static testing::AssertionResult near(const std::vector<int>& seen, const std::vector<int>& wanted) {
    bool same = seen.size() == wanted.size();
    // Nothing comes early; how late, is the machine's business.
    for (std::size_t i = 0; same && i < seen.size(); ++i)
      same = seen[i] >= wanted[i] - 20 && seen[i] <= wanted[i] + 300;
    if (same) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << testing::PrintToString(seen) << " instead of " << testing::PrintToString(wanted);
  }

  json report(const char* name) {
    return json::parse(vipctl(node(name), {"get", "web", "-o", "json"}), nullptr, false);
  }
  // "True Conflict: ..." of the VirtualIP as the node judges it.
  std::string condition(const char* name, const std::string& type) {
    const auto all = report(name);
    if (!all.is_object() || all["virtualIps"].empty()) return {};
    for (const auto& one : all["virtualIps"][0]["conditions"]) {
      if (one["type"] == type)
        return one["status"].get<std::string>() + " " + one["reason"].get<std::string>() + ": " +
               one["message"].get<std::string>();
    }
    return {};
  }
  testing::AssertionResult becomes(const char* name, const std::string& type, const std::string& begin,
                                   Duration within) {
    std::string last;
    if (wait_until([&] { return (last = condition(name, type)).starts_with(begin); }, within, ms{100}))
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << type << " is " << last;
  }
  // The sum of a metric over all its series that contain `labels`.
  double metric(const char* name, const std::string& family, const std::string& labels = {}) {
    const auto answer = node(name).run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
    if (!answer) return -1;
    double sum = 0;
    std::istringstream lines{answer->out};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(family + "{") && line.find(labels) != std::string::npos)
        sum += std::stod(line.substr(line.rfind(' ') + 1));
    }
    return sum;
  }
  Bytes foreign(std::uint8_t vrid, const IpAddress& source, const IpAddress& address) {
    Advert fields;
    fields.vrid = vrid;
    fields.priority = 120;
    fields.interval_cs = 100;
    fields.addresses = {address};
    return vrrp_frame(fields, lab_->client().facts().mac, source);
  }
  // Sends `frame(i)` at 1,000 a second.
  template <class Frame>
  void storm(Duration length, Frame&& frame) {
    const auto begin = now();
    int sent = 0;
    while (now() - begin < length) {
      const auto due = static_cast<int>((now() - begin) / ms{1});
      std::vector<Bytes> frames;
      for (; sent < due; ++sent) frames.push_back(frame(sent));
      if (!frames.empty()) ASSERT_OK(lab_->client().inject(frames));
      (void)wait_until([] { return false; }, ms{10}, ms{10});
    }
  }

  std::unique_ptr<Capture> capture_;
};

TEST_F(Conflicts, AForeignVirtualRouterIsSeenCountedAndForgotten) {
  ASSERT_TRUE(have_keepalived()) << "scripts/setup test installs what is missing";
  ASSERT_NO_FATAL_FAILURE(build(2));
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a"));
  EXPECT_THAT(vipctl(node("node-a"), {"segments"}), HasSubstr("No other virtual router is heard on eth0"));

  PeerDefinition other;
  other.virtual_router_id = 77;
  other.priority = 120;
  other.addresses = {"10.99.0.150", "10.99.0.151"};
  auto keepalived = Peer::start_keepalived(*lab_, node("node-b"), other);
  ASSERT_OK(keepalived);
  std::string text;
  ASSERT_TRUE(wait_until(
      [&] { return (text = vipctl(node("node-a"), {"segments"})).find("77") != std::string::npos; }, s{10},
      ms{100}))
      << text;
  for (const auto* part : {"eth0", "IPv4", "10.99.0.2", "120", "1s", "10.99.0.150,10.99.0.151"})
    EXPECT_THAT(text, HasSubstr(part));
  const auto segments = json::parse(vipctl(node("node-a"), {"segments", "-o", "json"}));
  EXPECT_EQ(segments[0]["foreignRouters"][0]["virtualRouterId"], 77);
  EXPECT_TRUE(logged(node("node-a"), "foreign_router.appeared"));
  EXPECT_TRUE(wait_until([&] { return metric("node-a", "vipra_foreign_virtual_routers", "IPv4") == 1; },
                         s{10}, ms{200}));
  EXPECT_TRUE(wait_until([&] { return metric("node-a", "vipra_foreign_advertisements_total") >= 2; }, s{10},
                         ms{200}));
  EXPECT_EQ(condition("node-a", "Conflict").substr(0, 5), "False");

  keepalived->kill();
  EXPECT_TRUE(logged(node("node-a"), "foreign_router.gone", s{15}));
  EXPECT_TRUE(
      wait_until([&] { return metric("node-a", "vipra_foreign_virtual_routers") == 0; }, s{10}, ms{200}));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
}

TEST_F(Conflicts, ForgedVirtualRoutersFillNeitherTheTableNorTheLog) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(1));
  std::vector<Bytes> frames;
  for (int i = 0; i < 3000; ++i) {
    const auto source =
        IpAddress::v4(10, 99, static_cast<std::uint8_t>(1 + i / 250), static_cast<std::uint8_t>(1 + i % 250));
    frames.push_back(foreign(static_cast<std::uint8_t>(60 + i % 100), source, IpAddress::v4(10, 99, 0, 150)));
  }
  auto corrupt = foreign(200, IpAddress::v4(10, 99, 0, 77), IpAddress::v4(10, 99, 0, 150));
  corrupt.back() ^= 0x55;
  frames.insert(frames.begin(), corrupt);
  ASSERT_OK(lab_->client().inject(frames));
  ASSERT_TRUE(wait_until([&] { return metric("node-a", "vipra_foreign_advertisements_total") >= 2500; },
                         s{10}, ms{200}))
      << metric("node-a", "vipra_foreign_advertisements_total");
  EXPECT_EQ(metric("node-a", "vipra_foreign_virtual_routers"), 64);
  EXPECT_GE(metric("node-a", "vipra_foreign_advertisements_untracked_total"), 2000);
  EXPECT_LE(count_logged(node("node-a"), "foreign_router."), 12u);
  const auto text = vipctl(node("node-a"), {"segments"});
  EXPECT_THAT(text, HasSubstr("more than the table holds"));
  EXPECT_THAT(text, testing::Not(HasSubstr("10.99.0.77"))) << "its checksum is wrong";
  EXPECT_TRUE(node("node-a").owns(vip_));
}

TEST_F(Conflicts, TheSameAddressUnderAnotherVridIsAConflictUntilItIsSilent) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  const auto advertise = [&] {
    ASSERT_OK(lab_->client().inject(foreign(77, lab_->client().facts().v4, vip_)));
  };
  advertise();
  EXPECT_FALSE(becomes("node-a", "Conflict", "True Conflict", ms{1500})) << "nodes may be changing the id";
  for (const auto* name : {"node-a", "node-b"}) {
    ASSERT_TRUE(wait_until(
        [&] {
          advertise();
          return static_cast<bool>(becomes(name, "Conflict", "True Conflict", ms{1000}));
        },
        s{15}));
    const auto said = condition(name, "Conflict");
    EXPECT_THAT(said, HasSubstr("10.99.0.100"));
    EXPECT_THAT(said, HasSubstr("virtual router id 77"));
    EXPECT_THAT(said, HasSubstr(lab_->client().facts().v4.to_string()));
  }
  EXPECT_THAT(vipctl(node("node-a"), {"explain", "web"}), HasSubstr("Conflict"));
  EXPECT_EQ(metric("node-a", "vipra_router_warning", "Conflict"), 1);
  EXPECT_TRUE(becomes("node-a", "Conflict", "False", s{30}));
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
}

TEST_F(Conflicts, AStrangerWhoClaimsAThousandTimesASecondIsDefendedAgainstOnceInTenSeconds) {
  ASSERT_NO_FATAL_FAILURE(quiet_owner(web()));
  const auto begin = now();
  ASSERT_NO_FATAL_FAILURE(storm(s{12}, [&](int i) {
    auto mac = kStranger;
    mac.bytes[4] = static_cast<std::uint8_t>(i / 256);
    mac.bytes[5] = static_cast<std::uint8_t>(i);
    return gratuitous_arp_frame(mac, vip_);
  }));
  const auto end = now();
  EXPECT_TRUE(near(announced_ms(vip_, begin), {0, 10'000}));
  EXPECT_TRUE(becomes("node-a", "Conflict", "True Conflict", s{5}));
  EXPECT_THAT(condition("node-a", "Conflict"), HasSubstr("02:99:00:00:"));
  EXPECT_TRUE(
      wait_until([&] { return metric("node-a", "vipra_conflicting_claims_total") >= 8000; }, s{10}, ms{200}))
      << metric("node-a", "vipra_conflicting_claims_total");
  EXPECT_LE(count_logged(node("node-a"), "\"event\":\"router.warning\""), 3u);
  EXPECT_TRUE(wait_until([&] { return now() - end > s{9}; }, s{15}, ms{100}));
  EXPECT_TRUE(near(announced_ms(vip_, begin), {0, 10'000, 20'000})) << "the last word is the owner's";
  EXPECT_THAT(condition("node-a", "Conflict"), HasSubstr("True Conflict"))
      << "he may say it once a minute only";
  EXPECT_TRUE(node("node-a").owns(vip_));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
}

// An ordinary reply to a question of node-a's, and an advertisement, of a host that has the addresses too.
TEST_F(Conflicts, AStrangerWhoAnswersForAnAddressIsNamed) {
  ASSERT_NO_FATAL_FAILURE(quiet_owner(dual_stack()));
  const auto& asker = node("node-a").facts();
  Bytes body{0, 1, 8, 0, 6, 4, 0, 2};
  const auto append = [&](const auto& bytes) { body.insert(body.end(), bytes.begin(), bytes.end()); };
  append(kStranger.bytes), append(vip_.bytes()), append(asker.mac.bytes), append(asker.v4.bytes());
  auto begin = now();
  ASSERT_OK(lab_->client().inject(ethernet(asker.mac, kStranger, kEtherArp, body)));
  ASSERT_TRUE(becomes("node-a", "Conflict", "True Conflict", s{5}));
  EXPECT_THAT(condition("node-a", "Conflict"), HasSubstr("02:99:00:00:00:ee"));
  EXPECT_THAT(condition("node-a", "Conflict"), HasSubstr("10.99.0.100"));
  EXPECT_TRUE(near(announced_ms(vip_, begin), {0}));

  begin = now();
  ASSERT_OK(lab_->client().inject(neighbour_advertisement_frame(kStranger, vip6_)));
  ASSERT_OK(lab_->client().inject(neighbour_advertisement_frame(kStranger, vip6_)));
  EXPECT_TRUE(wait_until([&] { return metric("node-a", "vipra_conflicting_claims_total", "IPv6") == 2; },
                         s{5}, ms{100}));
  EXPECT_TRUE(wait_until([&] { return now() - begin > s{11}; }, s{15}, ms{100}));
  EXPECT_TRUE(near(announced_ms(vip6_, begin), {0, 10'000}));
}

TEST_F(Conflicts, TheLoserOfAMeetingIsNoStranger) {
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2));
  ASSERT_OK(lab_->network().cut_both(node("node-a"), node("node-b")));
  ASSERT_TRUE(wait_until([&] { return node("node-b").owns(vip_); }, s{10}));
  const auto from = now();
  ASSERT_TRUE(wait_until([&] { return now() - from > s{2}; }, s{5}, ms{50}));
  ASSERT_OK(lab_->network().heal_both(node("node-a"), node("node-b")));
  ASSERT_TRUE(owns("node-a", s{10}));
  const auto healed = now();
  ASSERT_TRUE(wait_until([&] { return now() - healed > s{3}; }, s{5}, ms{50}));
  EXPECT_EQ(metric("node-a", "vipra_conflicting_claims_total"), 0);
  EXPECT_EQ(condition("node-a", "Conflict").substr(0, 5), "False");
}

TEST_F(Conflicts, ASurvivorAnnouncesAtOnceAfterOneSecondAndAfterFive) {
  ASSERT_NO_FATAL_FAILURE(quiet_owner(dual_stack()));
  Advert loser;
  loser.vrid = 51;
  loser.priority = 1;
  loser.interval_cs = 10;
  loser.addresses = {vip_};
  const auto& facts = lab_->client().facts();
  const auto begin = now();
  ASSERT_OK(lab_->client().inject(vrrp_frame(loser, facts.mac, facts.v4)));
  loser.addresses = {*IpAddress::parse("fe80::200:5eff:fe00:233"), vip6_};
  ASSERT_OK(lab_->client().inject(vrrp_frame(loser, facts.mac, facts.link_local)));
  ASSERT_TRUE(wait_until([&] { return now() - begin > s{7}; }, s{10}, ms{50}));
  EXPECT_TRUE(near(announced_ms(vip_, begin), {0, 1000, 5000}));
  EXPECT_TRUE(near(announced_ms(vip6_, begin), {0, 1000}));
}

TEST_F(Conflicts, AnnouncementsFollowTheDefinitionAndItsEdits) {
  auto definition = dual_stack();
  definition.extra_spec =
      "  announcement: {arpReply: true, arpRepeats: [300ms, 600ms, 2s], neighborAdvertisementRepeats: "
      "[1500ms], "
      "refresh: 4s, evidenceInterval: 2s}\n";
  ASSERT_NO_FATAL_FAILURE(build(1));
  ASSERT_NO_FATAL_FAILURE(watch());
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  ASSERT_OK(lab_->start_agents(agent()));
  ASSERT_TRUE(owns("node-a"));
  ASSERT_TRUE(
      wait_until([&] { return !announced(vip_, {}).empty() && !announced(vip6_, {}).empty(); }, s{5}));
  const auto first = announced(vip_, {}).front();
  const auto first6 = announced(vip6_, {}).front();
  ASSERT_TRUE(wait_until([&] { return now() - first > ms{6500}; }, s{10}, ms{50}));
  EXPECT_TRUE(near(announced_ms(vip_, first), {0, 300, 600, 2000, 6000}));
  EXPECT_TRUE(near(announced_ms(vip6_, first6), {0, 1500, 5500}));
  std::size_t replies = 0;
  for (const auto& packet : capture_->packets()) {
    const auto arp = as_gratuitous_arp(packet.frame);
    replies += arp && !arp->request && arp->address == vip_ ? 1 : 0;
  }
  EXPECT_GE(replies, 5u);

  // An edit of the figures alone: at once, and nothing else happens.
  const auto adverts_before = capture_->adverts(51).size();
  const auto edited = now();
  definition.extra_spec = "  announcement: {refresh: 1s, evidenceInterval: 1h}\n";
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  ASSERT_TRUE(wait_until([&] { return announced(vip_, edited).size() >= 4; }, s{10}, ms{50}));
  const auto seen = announced(vip_, edited);
  EXPECT_LT(seen[3] - edited, s{6});
  for (std::size_t i = 1; i < 4; ++i) EXPECT_GE(seen[i] - seen[i - 1], ms{950});
  EXPECT_EQ(
      count_logged(node("node-a"), "\"event\":\"router.transition\""),
      count_logged(node("node-a"), "\"to\":\"Backup\"") + count_logged(node("node-a"), "\"to\":\"Master\""));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u);
  EXPECT_GT(capture_->adverts(51).size(), adverts_before);

  // One round for evidence, then none for an hour.
  const auto claimed = now();
  Advert loser;
  loser.vrid = 51;
  loser.priority = 1;
  loser.interval_cs = 10;
  loser.addresses = {vip_};
  const auto& facts = lab_->client().facts();
  ASSERT_OK(lab_->client().inject(std::vector<Bytes>(20, vrrp_frame(loser, facts.mac, facts.v4))));
  ASSERT_TRUE(wait_until([&] { return now() - claimed > s{4}; }, s{6}, ms{50}));
  EXPECT_LE(announced(vip_, claimed).size(), 5u) << "one more than the refreshes";
}

TEST_F(Conflicts, TheFlagsOfTheAgentPaceTheAnnouncementsOfAnInterface) {
  VipDefinition many;
  many.addresses.clear();
  for (int i = 100; i < 130; ++i) many.addresses.push_back("10.99.0." + std::to_string(i));
  many.extra_spec = "  announcement: {arpRepeats: []}\n";
  ASSERT_NO_FATAL_FAILURE(build(1));
  ASSERT_NO_FATAL_FAILURE(watch());
  ASSERT_OK(lab_->write_definition("web.yaml", many.yaml()));
  auto options = agent();
  options.extra = {"--announce-burst", "5", "--announce-rate", "20"};
  ASSERT_OK(lab_->start_agents(options));
  const auto all = [&] {
    std::vector<TimePoint> out;
    for (const auto& packet : capture_->packets())
      if (packet.port == "p-node-a" && as_gratuitous_arp(packet.frame)) out.push_back(packet.at);
    return out;
  };
  ASSERT_TRUE(wait_until([&] { return all().size() >= 30; }, s{10}, ms{50})) << all().size();
  const auto seen = all();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto allowed = 5 + static_cast<std::size_t>((seen[i] - seen[0] + ms{50}) / ms{50});
    EXPECT_LE(i + 1, allowed);
  }
}

TEST_F(Conflicts, PrioritiesThatAreTooCloseAreAWarningOfTheBackup) {
  auto definition = web();
  definition.priorities = {{"node-a", 150}, {"node-b", 149}};
  ASSERT_NO_FATAL_FAILURE(up_with_owner(2, definition));
  EXPECT_TRUE(becomes("node-b", "Degraded", "True PriorityGap", s{20}));
  EXPECT_THAT(condition("node-b", "Degraded"), HasSubstr("priority 149 and 150 of 10.99.0.1 differ by 1"));
  definition.priorities = {{"node-a", 150}, {"node-b", 146}};
  ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
  EXPECT_TRUE(becomes("node-b", "Degraded", "False", s{10}));
}

}  // namespace
}  // namespace vipra::lab
