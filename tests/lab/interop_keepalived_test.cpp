// Beside Debian's keepalived.
#include "tests/lab/interop.hpp"

namespace vipra::lab {
namespace {

using std::chrono::milliseconds;

class WithKeepalived : public Interop, public testing::WithParamInterface<Wire> {};

INSTANTIATE_TEST_SUITE_P(Wires, WithKeepalived,
                         testing::Values(Wire{"Version2", 2, false, "", milliseconds{1000}},
                                         Wire{"Version2Password", 2, false, "1111", milliseconds{1000}},
                                         Wire{"Ipv4"}, Wire{"Ipv6", 3, true}),
                         [](const auto& one) { return one.param.name; });

TEST_P(WithKeepalived, ABetterVipraTakesOverAndResignsToIt) {
  TimePoint stopped{};
  ASSERT_NO_FATAL_FAILURE(better_vipra_takes_over_and_resigns(
      GetParam(), "keepalived",
      [&](const char* name, const auto& wanted) { return start_keepalived(name, wanted); }, stopped));
  std::size_t resignations = 0;
  for (const auto& seen : adverts(stopped)) resignations += seen.advert.priority == 0 ? 1 : 0;
  EXPECT_EQ(resignations, 3u);
}

TEST_P(WithKeepalived, ABetterOneTakesOverAndResignsToVipra) {
  better_other_takes_over_and_resigns(GetParam(), "keepalived", [&](const char* name, const auto& wanted) {
    return start_keepalived(name, wanted);
  });
}

TEST_P(WithKeepalived, ACrashedOneIsReplacedByVipra) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, GetParam()));
  ASSERT_TRUE(start_keepalived("node-b", peer(200)));
  ASSERT_TRUE(serves("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100));
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Backup\""));
  const auto listening = now();
  ASSERT_TRUE(wait_until([&] { return adverts(listening).size() >= 2; }, s{5})) << "it has heard them";
  const auto crashed = now() - wire_.interval * 2;
  ASSERT_OK(node("node-b").crash());
  ASSERT_TRUE(serves("node-a"));
  const auto silence = gap("node-b", "node-a", crashed, false);
  EXPECT_GE(silence, down(100) - ms{20});
  EXPECT_LT(silence, down(100) + ms{200});
}

TEST_P(WithKeepalived, ACrashedVipraIsReplacedByIt) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, GetParam()));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200));
  ASSERT_TRUE(serves("node-a"));
  auto* keepalived = start_keepalived("node-b", peer(100));
  ASSERT_TRUE(keepalived);
  ASSERT_TRUE(
      wait_until([&] { return keepalived->log_text().find("Entering BACKUP") != std::string::npos; }, s{5}));
  ASSERT_TRUE(serves("node-a"));
  ASSERT_OK(node("node-a").crash());
  EXPECT_TRUE(serves("node-b"));
}

struct BesideKeepalived : Interop {};

TEST_F(BesideKeepalived, NeitherTakesFromTheOtherWithoutPreemption) {
  const Wire wire{"Version2", 2, false, "", milliseconds{1000}};
  ASSERT_NO_FATAL_FAILURE(build_watched(2, wire));
  ASSERT_TRUE(start_keepalived("node-b", peer(100)));
  ASSERT_TRUE(serves("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200, "Never"));
  ASSERT_TRUE(logged(node("node-a"), "\"to\":\"Backup\""));
  EXPECT_FALSE(wait_until([&] { return node("node-a").owns(vip_); }, down(200) + s{1}))
      << "longer than an election";
  ASSERT_OK(peers_.back().stop());
  ASSERT_TRUE(serves("node-a"));

  auto better = peer(250);
  better.preempt = false;
  ASSERT_TRUE(start_keepalived("node-b", better));
  EXPECT_FALSE(wait_until([&] { return node("node-b").owns(vip_); }, down(250) + s{2}));
  EXPECT_TRUE(serves("node-a"));
}

TEST_F(BesideKeepalived, AnotherPasswordOrIntervalIsDroppedAndNamed) {
  const Wire wire{"Version2Password", 2, false, "1111", milliseconds{1000}};
  ASSERT_NO_FATAL_FAILURE(build_watched(2, wire));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100));
  ASSERT_TRUE(serves("node-a"));
  auto wanted = peer(200);
  wanted.password = "2222";
  ASSERT_TRUE(start_keepalived("node-b", wanted));
  EXPECT_TRUE(wait_until([&] { return dropped("node-a", "AuthFail") >= 1; }, s{15}, ms{200}));
  peers_.clear();
  wanted.password.clear();
  ASSERT_TRUE(start_keepalived("node-b", wanted));
  EXPECT_TRUE(wait_until([&] { return dropped("node-a", "AuthType") >= 1; }, s{15}, ms{200}));
  peers_.clear();
  wanted = peer(200);
  wanted.interval = ms{2000};
  ASSERT_TRUE(start_keepalived("node-b", wanted));
  EXPECT_TRUE(wait_until([&] { return dropped("node-a", "IntervalMismatch") >= 1; }, s{25}, ms{200}));
  EXPECT_EQ(count_logged(node("node-a"), "\"from\":\"Master\""), 0u) << "none of them took the address";
  const auto explained = vipctl(node("node-a"), {"explain", "web"});
  EXPECT_NE(explained.find("AuthFail"), std::string::npos) << explained;
}

// Debian's programs verify the checksum of RFC 5798 only, and a Vipra that has heard nobody sends that of RFC
// 9568: the other's first advertisement, sent because it took the silence for real, teaches it.
TEST_F(BesideKeepalived, AVipraThatWasAloneLearnsTheChecksumFormWithinOneAdvertisement) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, Wire{"Ipv4"}));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200));
  ASSERT_TRUE(serves("node-a"));
  const auto begin = now();
  auto* keepalived = start_keepalived("node-b", peer(100));
  ASSERT_TRUE(keepalived);
  ASSERT_TRUE(wait_until([&] { return advertisers(begin).size() == 2; }, s{5}))
      << "its own election comes to an end";
  ASSERT_TRUE(serves("node-a"));
  std::vector<TimePoint> theirs;
  for (const auto& seen : adverts(begin))
    if (seen.port == "p-node-b") theirs.push_back(seen.at);
  ASSERT_FALSE(theirs.empty());
  EXPECT_LE(theirs.size(), 2u);
  EXPECT_LT(theirs.back() - theirs.front(), wire_.interval * 2);
}

// Only its heir's first advertisements in the same form keep the other from taking it for silent.
TEST_F(BesideKeepalived, ACrashedSpeakersHeirSendsTheFormThatWasLearned) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, Wire{"Ipv4"}));
  ASSERT_TRUE(start_keepalived("node-b", peer(100)));
  ASSERT_TRUE(serves("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200));
  ASSERT_TRUE(serves("node-a"));
  const auto crashed = now();
  ASSERT_OK(node("node-a").signal(Role::kSpeaker, SIGKILL));
  ASSERT_TRUE(wait_until([&] { return count_logged(node("node-a"), "speaker.started") == 2; }, s{5}));
  EXPECT_FALSE(wait_until([&] { return advertisers(crashed).size() > 1; }, down(100) * 2))
      << "it did not hear the heir";
  EXPECT_TRUE(serves("node-a"));
}

TEST_F(BesideKeepalived, WithTheFormOfRfc5798GivenThereIsNoSecondOwnerAtAll) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, Wire{"Ipv4"}));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200, "Immediate", "    ipv4Checksum: RFC5798\n"));
  ASSERT_TRUE(serves("node-a"));
  const auto begin = now();
  auto* keepalived = start_keepalived("node-b", peer(100));
  ASSERT_TRUE(keepalived);
  ASSERT_TRUE(
      wait_until([&] { return keepalived->log_text().find("Entering BACKUP") != std::string::npos; }, s{5}));
  EXPECT_FALSE(wait_until([&] { return advertisers(begin).size() == 2; }, down(100) * 3));
  EXPECT_TRUE(serves("node-a"));
}

TEST_F(BesideKeepalived, ThePasswordIsNowhereToBeRead) {
  const Wire wire{"Version2Password", 2, false, "s3cr3t!", milliseconds{1000}};
  ASSERT_NO_FATAL_FAILURE(build_watched(1, wire));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100));
  ASSERT_TRUE(serves("node-a"));
  // A broken edit of it is complained about, without showing it.
  auto broken = definition(100, "Never").yaml();
  broken.replace(broken.find("s3cr3t!"), 7, "s3cr3t!-too-long");
  ASSERT_OK(node("node-a").write_definition("web.yaml", broken));
  ASSERT_TRUE(logged(node("node-a"), "simplePassword"));
  std::string all = node("node-a").log_text();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"get"}, {"get", "-o", "json"}, {"explain", "web"}, {"explain", "web", "-o", "json"}})
    all += vipctl(node("node-a"), arguments);
  const auto metrics = node("node-a").run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
  ASSERT_OK(metrics);
  all += metrics->out;
  EXPECT_NE(all.find("web"), std::string::npos);
  EXPECT_EQ(all.find("s3cr3t"), std::string::npos) << all.substr(all.find("s3cr3t") - 200, 400);
}

}  // namespace
}  // namespace vipra::lab
