#include <gtest/gtest.h>

#include "channel/convert.hpp"
#include "channel/protocol.hpp"

namespace vipra::channel {
namespace {

plan::Contribution contribution(std::string consumer = "web/ipv4", std::string source = "check/http") {
  return {std::move(consumer), std::move(source), -50, false, Reason::kCheckFailed, "3 of 3 failed", true};
}

std::vector<std::uint8_t> serialised(const v1::ContributionSet& set) {
  const auto text = set.SerializeAsString();
  return {text.begin(), text.end()};
}

TEST(Contribution, survives_the_channel_whole) {
  EXPECT_EQ(from_proto(to_proto(contribution())).value(), contribution());
  auto fault = contribution();
  fault.fault = true;
  fault.delta = 255;
  fault.stale = false;
  EXPECT_EQ(from_proto(to_proto(fault)).value(), fault);
}

TEST(Contribution, is_refused_outside_its_bounds) {
  const auto refused = [](auto change) {
    auto wire = to_proto(contribution());
    change(wire);
    return !from_proto(wire);
  };
  EXPECT_TRUE(refused([](auto& w) { w.set_consumer(""); }));
  EXPECT_TRUE(refused([](auto& w) { w.set_consumer(std::string(kMaxRouterIdBytes + 1, 'x')); }));
  EXPECT_TRUE(refused([](auto& w) { w.set_source(""); }));
  EXPECT_TRUE(refused([](auto& w) { w.set_source(std::string(kMaxSourceBytes + 1, 'x')); }));
  EXPECT_TRUE(refused([](auto& w) { w.set_delta(256); }));
  EXPECT_TRUE(refused([](auto& w) { w.set_delta(-256); }));
  EXPECT_TRUE(refused([](auto& w) { w.set_detail(std::string(kMaxDetailBytes + 1, 'x')); }));
  EXPECT_FALSE(refused([](auto& w) { w.set_detail(std::string(kMaxDetailBytes, 'x')); }));
}

TEST(ContributionSet, comes_back_sorted) {
  const std::vector<plan::Contribution> unsorted{contribution("b"), contribution("a", "z"),
                                                 contribution("a", "y")};
  const auto file = make_contribution_set_file(unsorted);
  ASSERT_TRUE(file);
  const auto read = read_contribution_set_file(file->fd.get(), file->ref);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, (std::vector<plan::Contribution>{unsorted[2], unsorted[1], unsorted[0]}));
}

TEST(ContributionSet, may_be_empty) {
  const auto file = make_contribution_set_file({});
  ASSERT_TRUE(file);
  EXPECT_TRUE(read_contribution_set_file(file->fd.get(), file->ref)->empty());
}

TEST(ContributionSet, names_each_pair_once) {
  v1::ContributionSet set;
  *set.add_contributions() = to_proto(contribution());
  *set.add_contributions() = to_proto(contribution("other"));
  EXPECT_TRUE(read_contribution_set(serialised(set)));
  *set.add_contributions() = to_proto(contribution());
  EXPECT_FALSE(read_contribution_set(serialised(set)));
}

TEST(ContributionSet, stops_counting_at_its_limit) {
  v1::ContributionSet set;
  for (std::size_t i = 0; i <= kMaxContributions; ++i) {
    auto* item = set.add_contributions();
    item->set_consumer("r");
    item->set_source(std::to_string(i));
  }
  EXPECT_FALSE(read_contribution_set(serialised(set)));
  set.mutable_contributions()->RemoveLast();
  EXPECT_TRUE(read_contribution_set(serialised(set)));
}

TEST(ContributionSet, is_refused_when_cut_or_of_another_size_than_announced) {
  v1::ContributionSet set;
  *set.add_contributions() = to_proto(contribution());
  auto bytes = serialised(set);
  bytes.pop_back();
  EXPECT_FALSE(read_contribution_set(bytes));
  auto file = make_contribution_set_file({contribution()});
  file->ref.set_size(file->ref.size() + 1);
  EXPECT_FALSE(read_contribution_set_file(file->fd.get(), file->ref));
}

TEST(ContributionDelta, carries_upserts_and_removals) {
  v1::ContributionDelta delta;
  *delta.add_upserts() = to_proto(contribution());
  auto* removal = delta.add_removals();
  removal->set_consumer("web/ipv6");
  removal->set_source("check/tcp");
  const auto read = from_proto(delta);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->upserts, std::vector{contribution()});
  EXPECT_EQ(read->removals, (std::vector{ContributionKey{"web/ipv6", "check/tcp"}}));
  removal->clear_source();
  EXPECT_FALSE(from_proto(delta));
  delta.clear_removals();
  delta.mutable_upserts(0)->set_delta(1000);
  EXPECT_FALSE(from_proto(delta));
}

}  // namespace
}  // namespace vipra::channel
