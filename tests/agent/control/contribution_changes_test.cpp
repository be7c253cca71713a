#include "agent/control/contribution_changes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace vipra::control {
namespace {

plan::Contribution part(std::string consumer, std::string source, int delta = -50) {
  plan::Contribution out;
  out.consumer = std::move(consumer);
  out.source = std::move(source);
  out.delta = delta;
  return out;
}

TEST(ContributionChanges, NothingChangedIsNothingSaid) {
  const std::vector all{part("a", "x"), part("b", "x")};
  const auto changes = contribution_changes(all, all);
  EXPECT_TRUE(changes.upserts.empty() && changes.removals.empty());
}

// Every pair of subsets of a small world: what is applied to the one gives the other, and nothing superfluous
// is said.
TEST(ContributionChanges, LeadFromAnySetToAnyOther) {
  const std::vector world{part("a", "x"), part("a", "y"), part("b", "x"), part("c", "x"), part("c", "z")};
  const auto subset = [&](unsigned mask, int delta) {
    std::vector<plan::Contribution> out;
    for (std::size_t i = 0; i < world.size(); ++i) {
      if ((mask >> i & 1) != 0)
        out.push_back(part(world[i].consumer, world[i].source, i % 2 == 0 ? -50 : delta));
    }
    return out;
  };
  for (unsigned from = 0; from < 32; ++from) {
    for (unsigned to = 0; to < 32; ++to) {
      const auto before = subset(from, -1);
      const auto after = subset(to, -2);
      const auto changes = contribution_changes(before, after);
      std::map<std::pair<std::string, std::string>, plan::Contribution> state;
      for (const auto& c : before) state[{c.consumer, c.source}] = c;
      for (const auto& key : changes.removals) EXPECT_EQ(state.erase({key.consumer, key.source}), 1u);
      for (const auto& c : changes.upserts) {
        const std::pair key{c.consumer, c.source};
        EXPECT_FALSE(state.contains(key) && state[key] == c);
        state[key] = c;
      }
      std::vector<plan::Contribution> result;
      for (const auto& [key, c] : state) result.push_back(c);
      EXPECT_EQ(result, after) << from << " -> " << to;
    }
  }
}

}  // namespace
}  // namespace vipra::control
