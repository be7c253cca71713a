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
  EXPECT_EQ(
      contribution_of(web, failed(link_track("eth1", -20))),
      (plan::Contribution{"web/ipv4", "track/eth1", -20, false, Reason::kTrackedLinkDown, "why", false}));
  EXPECT_EQ(contribution_of(web, failed(link_track("eth2", std::nullopt))),
            (plan::Contribution{"web/ipv4", "track/eth2", 0, true, Reason::kTrackedLinkDown, "why", false}));
}

TEST(Contribution, OfNoFailureIsNone) {
  const auto web = router("web", {});
  for (const auto outcome : {Outcome::kUnknown, Outcome::kOk})
    EXPECT_EQ(contribution_of(web, {link_track("eth1"), {outcome, Reason::kNone, ""}, {}}), std::nullopt);
}

}  // namespace
}  // namespace vipra::track
