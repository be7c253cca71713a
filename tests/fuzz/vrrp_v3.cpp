// Version 3 over both families, and versions that nobody knows. Input: advertisement_input.hpp.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/advertisement_input.hpp"
#include "tests/fuzz/advertisement_properties.hpp"

namespace {

using namespace vipra;

void check_version_3(const vrrp::Advertisement& got, const fuzz::Input& input) {
  VIPRA_CHECK(got.version == vrrp::Version::kV3 && got.auth_type == vrrp::kNoAuthentication);
  VIPRA_CHECK(got.interval % Centiseconds{1} == Duration::zero());
  VIPRA_CHECK(got.interval > Duration::zero() && got.interval <= Centiseconds{4095});
  VIPRA_CHECK(got.family == Family::kIpv4 || got.address(0).is_link_local());
  VIPRA_CHECK(got.family == Family::kIpv4 || got.checksum_form == vrrp::ChecksumForm::kRfc9568);

  vrrp::ReceivePolicy policy{.vrid = *vrrp::Vrid::make(got.vrid)};
  VIPRA_CHECK(!vrrp::check_policy(got, policy));
  policy.version = vrrp::Version::kV2;
  VIPRA_CHECK(vrrp::check_policy(got, policy) == DropReason::kVersion);

  // RFC 9568 section 5.2.6: the reserved bits are ignored.
  std::vector<std::uint8_t> reserved{input.message};
  reserved[4] ^= 0xf0;
  const bool v6 = got.family == Family::kIpv6;
  fuzz::mend_checksum(reserved, input.meta, v6 || got.checksum_form == vrrp::ChecksumForm::kRfc5798);
  const auto again = vrrp::parse_advertisement(input.meta, reserved);
  VIPRA_CHECK(again && again->interval == got.interval);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kNotForTheCorpus = -1;
  if (size == 0 || (size > 1 && data[1] >> 4 == 2)) return kNotForTheCorpus;
  const auto input = fuzz::read_input({data, size});
  if (const auto got = fuzz::check_accepted(input.meta, input.message)) check_version_3(*got, input);
  return 0;
}
