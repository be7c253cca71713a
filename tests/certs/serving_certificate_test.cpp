#include "certs/serving_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vipra::certs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNow = 1'800'000'000;

ServingCertificate make(std::vector<std::string> names = {"a.svc", "b.svc"},
                        std::chrono::seconds validity = 24h) {
  const auto made = make_serving_certificate({std::move(names), kNow, validity});
  EXPECT_TRUE(made);
  return *made;
}

TEST(ServingCertificate, IsForItsNamesAndForItsTime) {
  const auto made = make();
  const auto info = inspect_certificate(made.chain_pem);
  ASSERT_TRUE(info);
  EXPECT_THAT(info->dns_names, ElementsAre("a.svc", "b.svc"));
  EXPECT_EQ(info->not_before_unix, kNow - 300);
  EXPECT_EQ(info->not_after_unix, kNow + 86'400);
  EXPECT_GT(renewal_time(*info), kNow + 50'000);
  EXPECT_LT(renewal_time(*info), kNow + 60'000);
  for (const auto* name : {"a.svc", "b.svc"})
    EXPECT_TRUE(check_serving_certificate(made.chain_pem, made.key_pem, name, kNow)) << name;
}

TEST(ServingCertificate, WhatIsWrongWithAPairIsSaidWithoutTheKey) {
  const auto made = make();
  const auto other = make();
  const auto what = [&](const std::string& chain, const std::string& key, const std::string& name,
                        std::int64_t now) {
    const auto status = check_serving_certificate(chain, key, name, now);
    return status ? std::string{"fine"} : status.error().what;
  };
  EXPECT_THAT(what(made.chain_pem, made.key_pem, "c.svc", kNow), HasSubstr("not for c.svc"));
  EXPECT_THAT(what(made.chain_pem, made.key_pem, "a.svc", kNow + 86'400), HasSubstr("expired"));
  EXPECT_THAT(what(made.chain_pem, made.key_pem, "a.svc", kNow - 301), HasSubstr("not valid yet"));
  EXPECT_THAT(what(made.chain_pem, other.key_pem, "a.svc", kNow), HasSubstr("does not belong"));
  EXPECT_THAT(what(made.chain_pem, "", "a.svc", kNow), HasSubstr("does not belong"));
  EXPECT_THAT(what("", made.key_pem, "a.svc", kNow), HasSubstr("no certificate"));
  EXPECT_THAT(
      what("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", made.key_pem, "a.svc", kNow),
      HasSubstr("no certificate"));
}

TEST(ServingCertificate, NeverTwiceTheSame) {
  const auto a = make(), b = make();
  EXPECT_NE(a.key_pem, b.key_pem);
  EXPECT_NE(a.ca_pem, b.ca_pem);
}

TEST(ServingCertificate, RequestsThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(make_serving_certificate({{}, kNow, 1h}));
  EXPECT_FALSE(make_serving_certificate({{"a,DNS:evil"}, kNow, 1h}));
  EXPECT_FALSE(make_serving_certificate({{""}, kNow, 1h}));
  EXPECT_FALSE(make_serving_certificate({{"a"}, kNow, 0s}));
  EXPECT_FALSE(make_serving_certificate({std::vector<std::string>(33, "a"), kNow, 1h}));
  EXPECT_TRUE(make_serving_certificate({{std::string(200, 'a')}, kNow, 1h}));
}

TEST(CaBundles, AreMergedNewestFirstWithoutDuplicatesAndExpiredOnes) {
  const auto a = make(), b = make(), brief = make({"a"}, 10s);
  const auto merged = merge_ca_bundles(b.ca_pem, a.ca_pem + b.ca_pem + brief.ca_pem, kNow + 60);
  ASSERT_TRUE(merged);
  EXPECT_EQ(*merged, b.ca_pem + a.ca_pem);
  EXPECT_EQ(*merge_ca_bundles(a.ca_pem, "", kNow), a.ca_pem);
  EXPECT_FALSE(merge_ca_bundles("", "garbage", kNow));
  EXPECT_FALSE(merge_ca_bundles(brief.ca_pem, "", kNow + 60));
}

}  // namespace
}  // namespace vipra::certs
