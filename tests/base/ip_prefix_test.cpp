#include "base/ip_prefix.hpp"

#include <gtest/gtest.h>

namespace vipra {
namespace {

TEST(IpPrefix, ParsesWhatIsOne) {
  for (const auto* text :
       {"0.0.0.0/0", "192.0.2.0/24", "192.0.2.1/32", "::/0", "2001:db8::/32", "fe80::1/128"}) {
    const auto prefix = IpPrefix::parse(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(prefix->to_string(), text);
  }
}

TEST(IpPrefix, RefusesWhatIsNone) {
  for (const auto* text : {"", "/", "192.0.2.0", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+1",
                           "192.0.2.0/08", "192.0.2.0/ 8", "192.0.2.0/8 ", "::/129", "::ffff:192.0.2.0/120",
                           "fe80::%eth0/64", "192.0.2.0/24/24", "192.0.2.0/1e1"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

TEST(IpPrefix, KnowsBitsBeyondItsLength) {
  for (const auto* text : {"0.0.0.0/0", "192.0.2.0/23", "192.0.2.128/25", "2001:db8::/32", "fe80::1/128"})
    EXPECT_TRUE(IpPrefix::parse(text)->is_masked()) << text;
  for (const auto* text : {"1.0.0.0/0", "192.0.3.0/23", "192.0.2.129/25", "2001:db8::1/127", "8000::/0"})
    EXPECT_FALSE(IpPrefix::parse(text)->is_masked()) << text;
}

}  // namespace
}  // namespace vipra
