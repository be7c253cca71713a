#include "agent/supervisor/kept_state.hpp"

#include <gtest/gtest.h>

#include "channel/protocol.hpp"
#include "sys/memfd.hpp"

namespace vipra::supervisor {
namespace {

constexpr TimePoint kNow{std::chrono::hours{5}};

plan::DesiredState state(std::uint64_t generation) {
  plan::VirtualRouter router;
  router.id = "web/ipv4";
  router.addresses = {{IpAddress::v4(192, 0, 2, 1), "web"}};
  router.seniority.name = "web";
  return {generation, "node-a", {router}, {}};
}

plan::Contribution contribution(const std::string& source, int delta) {
  return {"web/ipv4", source, delta, false, Reason::kCheckFailed, "", false};
}

channel::v1::ContributionDelta delta(const std::vector<plan::Contribution>& upserts,
                                     const std::vector<std::string>& removals = {}) {
  channel::v1::ContributionDelta out;
  for (const auto& item : upserts) *out.add_upserts() = channel::to_proto(item);
  for (const auto& source : removals) {
    auto* key = out.add_removals();
    key->set_consumer("web/ipv4");
    key->set_source(source);
  }
  return out;
}

std::vector<plan::Contribution> kept(const KeptState& state) {
  const auto file = state.contributions();
  return channel::read_contribution_set_file(file->fd.get(), file->ref).value();
}

TEST(KeptDesiredState, is_the_last_one_whatever_its_generation) {
  KeptState kept;
  EXPECT_FALSE(kept.has_desired());
  for (const std::uint64_t generation : {5U, 9U, 2U}) {
    auto file = channel::make_desired_state_file(state(generation)).value();
    const auto summary = kept.replace_desired(std::move(file.fd), file.ref);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->generation, generation);
  }
  EXPECT_EQ(kept.desired_ref().generation(), 2U);
  EXPECT_EQ(channel::read_desired_state_file(kept.desired_fd(), kept.desired_ref())->generation, 2U);
}

TEST(KeptDesiredState, is_not_replaced_by_one_that_a_speaker_would_refuse) {
  KeptState kept;
  auto good = channel::make_desired_state_file(state(1)).value();
  ASSERT_TRUE(kept.replace_desired(std::move(good.fd), good.ref));

  auto without_name = state(2);
  without_name.routers[0].seniority.name.clear();
  auto bad = channel::make_desired_state_file(without_name).value();
  EXPECT_FALSE(kept.replace_desired(std::move(bad.fd), bad.ref));

  auto other_generation = channel::make_desired_state_file(state(3)).value();
  other_generation.ref.set_generation(4);
  EXPECT_FALSE(kept.replace_desired(std::move(other_generation.fd), other_generation.ref));

  channel::v1::DesiredStateRef ref;
  EXPECT_FALSE(kept.replace_desired(sys::UniqueFd{}, ref));
  EXPECT_EQ(kept.desired_ref().generation(), 1U);
  EXPECT_TRUE(channel::read_desired_state_file(kept.desired_fd(), kept.desired_ref()));
}

TEST(KeptContributions, merge_what_changed_into_the_last_full_set) {
  KeptState state;
  EXPECT_FALSE(state.has_contributions());
  const auto full =
      channel::make_contribution_set_file({contribution("a", -1), contribution("b", -2)}).value();
  ASSERT_TRUE(state.replace_contributions(full.fd.get(), full.ref, kNow));
  ASSERT_TRUE(state.merge(delta({contribution("b", -20), contribution("c", -3)}, {"a"}), kNow));
  EXPECT_EQ(kept(state), (std::vector{contribution("b", -20), contribution("c", -3)}));
  const auto fresh = channel::make_contribution_set_file({contribution("z", 0)}).value();
  ASSERT_TRUE(state.replace_contributions(fresh.fd.get(), fresh.ref, kNow));
  EXPECT_EQ(kept(state), std::vector{contribution("z", 0)});
}

TEST(KeptContributions, an_empty_set_is_something_said) {
  KeptState state;
  const auto none = channel::make_contribution_set_file({}).value();
  ASSERT_TRUE(state.replace_contributions(none.fd.get(), none.ref, kNow));
  EXPECT_TRUE(state.has_contributions());
  EXPECT_TRUE(kept(state).empty());
}

TEST(KeptContributions, stay_when_something_bad_comes) {
  KeptState state;
  ASSERT_TRUE(state.merge(delta({contribution("a", -1)}), kNow));
  EXPECT_FALSE(state.merge(delta({contribution("a", -1000)}), kNow));
  channel::v1::ContributionSetRef ref;
  ref.set_size(7);
  EXPECT_FALSE(state.replace_contributions(-1, ref, kNow));
  EXPECT_EQ(kept(state), std::vector{contribution("a", -1)});
}

TEST(KeptContributions, are_marked_when_nobody_confirms_them_and_only_then) {
  KeptState state;
  EXPECT_FALSE(state.stale_at());
  ASSERT_TRUE(state.merge(delta({contribution("a", -1)}), kNow));
  EXPECT_FALSE(state.grow_stale(kNow + KeptState::kFresh - Duration{1}));
  EXPECT_FALSE(kept(state)[0].stale);
  EXPECT_TRUE(state.grow_stale(*state.stale_at()));
  EXPECT_FALSE(state.grow_stale(kNow + 2 * KeptState::kFresh)) << "said once";
  EXPECT_TRUE(kept(state)[0].stale);
  EXPECT_EQ(kept(state)[0].delta, -1) << "kept as it was";
  ASSERT_TRUE(state.merge(delta({}), kNow + 3 * KeptState::kFresh)) << "an empty delta confirms";
  EXPECT_FALSE(kept(state)[0].stale);
  EXPECT_EQ(state.stale_at(), kNow + 4 * KeptState::kFresh);
}

TEST(KeptContributions, do_not_grow_without_end) {
  KeptState state;
  Status status;
  int messages = 0;
  for (; status && messages < 100; ++messages) {
    std::vector<plan::Contribution> many;
    for (int i = 0; i < 1000; ++i) many.push_back(contribution(std::to_string(messages * 1000 + i), 0));
    status = state.merge(delta(many), kNow);
  }
  EXPECT_FALSE(status);
  EXPECT_LE(state.contribution_count(), channel::kMaxContributions);
}

}  // namespace
}  // namespace vipra::supervisor
