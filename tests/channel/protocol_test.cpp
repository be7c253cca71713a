#include "channel/protocol.hpp"

#include <gtest/gtest.h>

#include "agent/owned_page.hpp"
#include "channel/convert.hpp"

namespace vipra::channel {
namespace {

TEST(Hello, of_this_build_is_accepted_in_its_role) {
  for (const auto role : {v1::ROLE_SUPERVISOR, v1::ROLE_SPEAKER, v1::ROLE_CONTROL}) {
    const auto hello = make_hello(role, "0.1.0", 7);
    EXPECT_TRUE(check_hello(hello, role));
    EXPECT_EQ(hello.epoch(), 7U);
  }
}

TEST(Hello, of_another_version_is_refused_with_both_numbers) {
  auto hello = make_hello(v1::ROLE_CONTROL, "x", 1);
  hello.set_version(kVersion + 41);
  const auto checked = check_hello(hello, v1::ROLE_CONTROL);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, Errc::kUnsupported);
  EXPECT_NE(checked.error().what.find(std::to_string(kVersion + 41)), std::string::npos);
  EXPECT_NE(checked.error().what.find(" " + std::to_string(kVersion)), std::string::npos);
}

TEST(Hello, of_another_role_is_refused) {
  EXPECT_FALSE(check_hello(make_hello(v1::ROLE_SPEAKER, "x", 1), v1::ROLE_CONTROL));
  EXPECT_FALSE(check_hello(v1::Hello{}, v1::ROLE_CONTROL));
}

TEST(Hello, keeps_build_names_short) {
  EXPECT_EQ(make_hello(v1::ROLE_CONTROL, std::string(1000, 'x'), 1).build().size(), kMaxBuildBytes);
  auto hello = make_hello(v1::ROLE_CONTROL, "x", 1);
  hello.set_build(std::string(kMaxBuildBytes + 1, 'x'));
  EXPECT_FALSE(check_hello(hello, v1::ROLE_CONTROL));
}

TEST(Limits, agree_with_the_shared_page) {
  EXPECT_EQ(kMaxRouters, agent::kOwnedSlots);
  EXPECT_EQ(kMaxRouterIdBytes, agent::kMaxRouterId);
}

TEST(Enums, have_one_number_on_both_sides) {
  for (const auto value : kAllReasonValues) {
    EXPECT_TRUE(reason::v1::Reason_IsValid(static_cast<int>(to_proto(value)))) << to_string(value);
    EXPECT_EQ(from_proto(to_proto(value)), value);
  }
  for (const auto value : kAllStateValues) {
    EXPECT_TRUE(reason::v1::State_IsValid(static_cast<int>(to_proto(value)))) << to_string(value);
    EXPECT_EQ(from_proto(to_proto(value)), value);
  }
  for (const auto value : kAllDropReasonValues) {
    EXPECT_TRUE(reason::v1::DropReason_IsValid(static_cast<int>(to_proto(value)))) << to_string(value);
    EXPECT_EQ(from_proto(to_proto(value)), value);
  }
  EXPECT_EQ(to_proto(Reason::kHung), reason::v1::REASON_HUNG);
  EXPECT_EQ(to_proto(State::kReleasing), reason::v1::STATE_RELEASING);
  EXPECT_EQ(to_proto(DropReason::kChecksum), reason::v1::DROP_REASON_CHECKSUM);
}

TEST(Enums, of_a_later_build_become_the_neutral_value) {
  EXPECT_EQ(from_proto(static_cast<reason::v1::Reason>(60000)), Reason::kNone);
  EXPECT_EQ(from_proto(static_cast<reason::v1::State>(-1)), State::kUnknown);
  EXPECT_EQ(from_proto(static_cast<reason::v1::DropReason>(60000)), DropReason::kNone);
}

}  // namespace
}  // namespace vipra::channel
