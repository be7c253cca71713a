#include "plan/contributions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vipra::plan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

VirtualRouter router(const std::string& vip, const char* family = "/ipv4") {
  VirtualRouter out;
  out.id = vip + family;
  out.seniority.name = vip;
  return out;
}

SharedContributions said(const VirtualRouter& to, std::initializer_list<std::pair<const char*, int>> parts,
                         Reason reason = Reason::kCheckFailed) {
  SharedContributions out{to.seniority.name, {}};
  for (const auto& [source, delta] : parts)
    out.by_source[source] = {to.id, source, delta, false, reason, to.id, false};
  return out;
}

std::vector<std::string> shown(const std::vector<Contribution>& parts, const VirtualRouter& of) {
  std::vector<std::string> out;
  for (const auto& part : parts) {
    EXPECT_EQ(part.consumer, of.id);
    out.push_back(part.source + " " + std::to_string(part.delta) + " by " + part.detail);
  }
  return out;
}

TEST(ContributionsTo, OfOneVirtualIpCountOnceForBothFamilies) {
  const auto v4 = router("web"), v6 = router("web", "/ipv6");
  const std::vector shared{said(v4, {{"check/app", -10}, {"track/link", -5}}),
                           said(v6, {{"check/app", -10}, {"track/v6", -1}})};
  EXPECT_THAT(
      shown(contributions_to(v4, shared), v4),
      ElementsAre("check/app -10 by web/ipv4", "track/link -5 by web/ipv4", "track/v6 -1 by web/ipv6"));
  EXPECT_THAT(
      shown(contributions_to(v6, shared), v6),
      ElementsAre("check/app -10 by web/ipv6", "track/link -5 by web/ipv4", "track/v6 -1 by web/ipv6"));
}

TEST(ContributionsTo, OfAnotherMemberSayWhoseTheyAre) {
  const auto web = router("web"), mail = router("mail");
  const std::vector shared{said(web, {{"check/app", -10}}), said(mail, {{"check/app", -20}})};
  EXPECT_THAT(shown(contributions_to(web, shared), web),
              ElementsAre("check/app -10 by web/ipv4", "mail: check/app -20 by mail/ipv4"));
}

TEST(ContributionsTo, MaintenanceIsToldToEachByItself) {
  const auto web = router("web"), mail = router("mail");
  const std::vector shared{said(mail, {{"maintenance", 0}}, Reason::kMaintenance)};
  EXPECT_THAT(contributions_to(web, shared), IsEmpty());
  EXPECT_THAT(shown(contributions_to(mail, shared), mail), ElementsAre("maintenance 0 by mail/ipv4"));
}

}  // namespace
}  // namespace vipra::plan
