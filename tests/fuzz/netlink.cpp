// Any bytes as netlink messages: nothing is read beyond them, and what is told holds together.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.hpp"
#include "net/netlink_events.hpp"

namespace {

class Judge final : public vipra::net::NetlinkVisitor {
 public:
  void on_link(const vipra::net::Link& link) override {
    VIPRA_CHECK(link.index > 0);
    VIPRA_CHECK(!link.name.empty() && link.name.size() < 16);
    VIPRA_CHECK(link.name.find('\0') == std::string::npos);
  }
  void on_link_removed(int index) override { VIPRA_CHECK(index > 0); }
  void on_address(const vipra::net::InterfaceAddress& address) override {
    VIPRA_CHECK(address.index > 0);
    VIPRA_CHECK(address.prefix_length <= (address.ip.is_v4() ? 32 : 128));
    VIPRA_CHECK(!(address.secondary && address.temporary));
  }
  void on_address_removed(const vipra::net::InterfaceAddress& address) override { on_address(address); }
  void on_overrun() override { VIPRA_CHECK(false); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Judge judge;
  vipra::net::parse_netlink({data, size}, judge);
  return 0;
}
