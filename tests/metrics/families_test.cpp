#include "metrics/families.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/metrics/golden_snapshot.hpp"

namespace vipra::metrics {
namespace {

using test::golden_snapshot;
using testing::HasSubstr;
using testing::Not;

std::string read(const std::string& path) {
  std::ifstream in{path};
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// VIPRA_UPDATE_GOLDEN=1 writes the file anew.
TEST(Families, ThePageIsTheGoldenOne) {
  const std::string path = VIPRA_SOURCE_DIR "/tests/metrics/golden/page.txt";
  const auto page = render(golden_snapshot());
  if (std::getenv("VIPRA_UPDATE_GOLDEN") != nullptr) std::ofstream{path} << page;
  const auto expected = read(path);
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(page, expected);
}

TEST(Families, ExactlyOneStateOfARouterIsSet) {
  const auto page = render(golden_snapshot());
  std::istringstream lines{page};
  std::size_t ones = 0;
  std::size_t all = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("vipra_router_state{", 0) != 0 || line.find("router=\"web/ipv4\"") == std::string::npos)
      continue;
    ++all;
    if (line.substr(line.size() - 2) == " 1") {
      ++ones;
      EXPECT_THAT(line, HasSubstr("state=\"Master\""));
    }
  }
  EXPECT_EQ(all, kAllStateValues.size());
  EXPECT_EQ(ones, 1u);
}

TEST(Families, ARouterOfAnAgentThatIsAwayIsUnknownAndNobodysMaster) {
  auto snapshot = golden_snapshot();
  snapshot.routers[0].fresh = false;
  const auto page = render(snapshot);
  EXPECT_THAT(
      page,
      HasSubstr("router=\"web/ipv4\",family=\"IPv4\",vrid=\"51\",interface=\"eth0\",state=\"Unknown\"} 1"));
  EXPECT_THAT(
      page,
      HasSubstr(
          "vipra_router_is_master{virtual_ip=\"web\",router=\"web/ipv4\",family=\"IPv4\",vrid=\"51\"} 0"));
}

TEST(Families, EveryFamilyIsOneBlockWithHelp) {
  const auto page = render(golden_snapshot());
  std::istringstream lines{page};
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# HELP ", 0) != 0) continue;
    std::istringstream words{line};
    std::string hash, help, name, rest;
    words >> hash >> help >> name;
    std::getline(words, rest);
    EXPECT_TRUE(seen.insert(name).second) << name << " twice";
    EXPECT_GT(rest.size(), 10u) << name << " has no help";
  }
  EXPECT_GT(seen.size(), 40u);
}

TEST(Families, BeforeTheAgentHasSpokenThereIsStillAPage) {
  Snapshot snapshot;
  snapshot.control.build = "1";
  const auto page = render(snapshot);
  EXPECT_THAT(page, HasSubstr("vipra_agent_connected 0"));
  EXPECT_THAT(page, Not(HasSubstr("vipra_deadline_lateness_seconds")));
  EXPECT_THAT(page, Not(HasSubstr("vipra_definitions_age_seconds")));
}

TEST(Families, ARouterThatCarriesManyVirtualIpsNamesThemAll) {
  auto snapshot = golden_snapshot();
  snapshot.routers[0].virtual_ips = {"api", "web"};
  EXPECT_THAT(render(snapshot), HasSubstr("virtual_ip=\"api,web\""));
}

// The count of the last bucket is the count of all, whatever the sender's bounds.
TEST(Families, HistogramsAreCumulativeAndEndAtInfinity) {
  const auto page = render(golden_snapshot());
  EXPECT_THAT(page, HasSubstr("vipra_deadline_lateness_seconds_bucket{le=\"0.001\"} 15\n"));
  EXPECT_THAT(page, HasSubstr("vipra_deadline_lateness_seconds_bucket{le=\"+Inf\"} 18\n"));
  EXPECT_THAT(page, HasSubstr("vipra_deadline_lateness_seconds_count 18\n"));
}

}  // namespace
}  // namespace vipra::metrics
