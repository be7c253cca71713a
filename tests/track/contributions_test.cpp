#include "track/contributions.hpp"

#include <gtest/gtest.h>

#include "tests/track/world.hpp"

namespace vipra::track {
namespace {

Tracked failed(plan::Track track, Reason reason = Reason::kTrackedLinkDown) {
  return {std::move(track), {Outcome::kFailed, reason, "why"}, {}};
}

TEST(Contribution, OfAFailureIsItsDeltaOrAFault) {
  const auto web = router("web", {});
  std::vector<plan::Contribution> parts;
  add_contribution(web, web, failed(link_track("eth1", -20)), parts);
  add_contribution(web, web, failed(link_track("eth2", std::nullopt)), parts);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0], (plan::Contribution{"web/ipv4", "track/eth1", -20, false, Reason::kTrackedLinkDown,
                                          "why", false}));
  EXPECT_EQ(parts[1], (plan::Contribution{"web/ipv4", "track/eth2", 0, true, Reason::kTrackedLinkDown, "why",
                                          false}));
}

TEST(Contribution, OfNoFailureIsNone) {
  const auto web = router("web", {});
  std::vector<plan::Contribution> parts;
  for (const auto outcome : {Outcome::kUnknown, Outcome::kOk})
    add_contribution(web, web, {link_track("eth1"), {outcome, Reason::kNone, ""}, {}}, parts);
  EXPECT_TRUE(parts.empty());
}

TEST(Contribution, OfBothFamiliesCountsOnce) {
  const auto web4 = router("web", {});
  const auto web6 = router("web", {}, Family::kIpv6);
  std::vector<plan::Contribution> parts;
  add_contribution(web4, web4, failed(gateway_track(nullptr)), parts);
  add_contribution(web4, web6, failed(gateway_track(nullptr)), parts);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].source, "track/gateway");
}

TEST(Contribution, OfAnotherMemberOfTheGroupSaysWhose) {
  const auto web = router("web", {});
  const auto mail = router("mail", {});
  std::vector<plan::Contribution> parts;
  add_contribution(web, web, failed(gateway_track(nullptr)), parts);
  add_contribution(web, mail, failed(gateway_track(nullptr)), parts);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].consumer, "web/ipv4");
  EXPECT_EQ(parts[1].source, "track/mail/gateway");
}

}  // namespace
}  // namespace vipra::track
