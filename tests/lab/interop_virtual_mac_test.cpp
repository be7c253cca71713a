// Beside Debian's keepalived with use_vmac: both have the virtual MAC address.
#include "tests/lab/interop.hpp"

namespace vipra::lab {
namespace {

class WithKeepalivedsVirtualMac : public Interop, public testing::WithParamInterface<Wire> {
 protected:
  static constexpr const char* kVirtualMac = "    virtualMAC: true\n";

  [[nodiscard]] PeerDefinition peer_with_mac(int priority) const {
    auto out = peer(priority);
    out.virtual_mac = true;
    return out;
  }
  [[nodiscard]] MacAddress mac() const {
    return {{0x00, 0x00, 0x5e, 0x00, static_cast<std::uint8_t>(wire_.ipv6 ? 2 : 1), 0x33}};
  }
  // All ordinary advertisements of a node in the next two intervals.
  testing::AssertionResult advertises_from_it(const char* name) {
    const auto since = now();
    const auto port = "p-" + std::string{name};
    std::size_t count = 0;
    if (!wait_until(
            [&] {
              count = 0;
              for (const auto& seen : adverts(since)) count += seen.port == port ? 1 : 0;
              return count >= 2;
            },
            s{5})) {
      return testing::AssertionFailure() << name << " does not advertise";
    }
    for (const auto& seen : adverts(since)) {
      if (seen.port == port && seen.advert.from_mac != mac())
        return testing::AssertionFailure() << name << " advertises from " << seen.advert.from_mac.to_string();
    }
    return testing::AssertionSuccess();
  }
};

INSTANTIATE_TEST_SUITE_P(Wires, WithKeepalivedsVirtualMac,
                         testing::Values(Wire{"Version2", 2, false, "", std::chrono::milliseconds{1000}},
                                         Wire{"Ipv4"}, Wire{"Ipv6", 3, true}),
                         [](const auto& one) { return one.param.name; });

TEST_P(WithKeepalivedsVirtualMac, ABetterVipraTakesOverAndResignsToIt) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, GetParam()));
  ASSERT_TRUE(start_keepalived("node-b", peer_with_mac(100)));
  ASSERT_TRUE(serves("node-b"));
  EXPECT_TRUE(advertises_from_it("node-b"));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200, "Immediate", kVirtualMac));
  ASSERT_TRUE(serves("node-a"));
  EXPECT_TRUE(advertises_from_it("node-a"));

  const auto stopped = now();
  ASSERT_OK(node("node-a").stop_agent());
  ASSERT_TRUE(serves("node-b"));
  EXPECT_TRUE(took_a_resignation("node-a", "node-b", stopped));
  note_outage("Vipra gives to keepalived, both with a virtual MAC", stopped);
}

TEST_P(WithKeepalivedsVirtualMac, ABetterOneTakesOverAndResignsToVipra) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, GetParam()));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100, "Never", kVirtualMac));
  ASSERT_TRUE(serves("node-a"));
  auto* better = start_keepalived("node-b", peer_with_mac(200));
  ASSERT_TRUE(better);
  ASSERT_TRUE(serves("node-b"));
  EXPECT_TRUE(advertises_from_it("node-b"));

  const auto stopped = now();
  ASSERT_OK(better->stop());
  ASSERT_TRUE(serves("node-a"));
  EXPECT_TRUE(took_a_resignation("node-b", "node-a", stopped));
  EXPECT_TRUE(advertises_from_it("node-a"));
  note_outage("keepalived gives to Vipra, both with a virtual MAC", stopped);
}

// One node with the virtual MAC address, one without: neighbours change their entries, and that is all.
TEST_P(WithKeepalivedsVirtualMac, OneWithoutItTakesOverAndResigns) {
  ASSERT_NO_FATAL_FAILURE(build_watched(2, GetParam()));
  ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100, "Never", kVirtualMac));
  ASSERT_TRUE(serves("node-a"));
  auto* better = start_keepalived("node-b", peer(200));
  ASSERT_TRUE(better);
  ASSERT_TRUE(serves("node-b"));
  ASSERT_OK(better->stop());
  ASSERT_TRUE(serves("node-a"));
  EXPECT_TRUE(advertises_from_it("node-a"));
}

}  // namespace
}  // namespace vipra::lab
