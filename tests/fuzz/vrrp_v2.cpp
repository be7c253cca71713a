// Version 2, with and without its password. Input: advertisement_input.hpp.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/advertisement_input.hpp"
#include "tests/fuzz/advertisement_properties.hpp"

namespace {

using namespace vipra;
using std::chrono::seconds;

void check_version_2(const vrrp::Advertisement& got, std::span<const std::uint8_t> message) {
  VIPRA_CHECK(got.version == vrrp::Version::kV2 && got.family == Family::kIpv4);
  VIPRA_CHECK(got.interval % seconds{1} == Duration::zero() && got.interval <= seconds{255});
  VIPRA_CHECK(std::ranges::equal(got.auth_data, message.last(vrrp::kV2AuthSize)));

  vrrp::ReceivePolicy policy{.version = vrrp::Version::kV2,
                             .vrid = *vrrp::Vrid::make(got.vrid),
                             .interval = got.interval,
                             .auth_type = got.auth_type,
                             .auth_data = got.auth_data};
  VIPRA_CHECK(!vrrp::check_policy(got, policy));
  policy.interval += seconds{1};
  VIPRA_CHECK(vrrp::check_policy(got, policy) == DropReason::kIntervalMismatch);
  policy.auth_data[message[1] % vrrp::kV2AuthSize] ^= 1;  // one bit somewhere in the password
  VIPRA_CHECK(
      vrrp::check_policy(got, policy) ==
      (got.auth_type == vrrp::kNoAuthentication ? DropReason::kIntervalMismatch : DropReason::kAuthFail));
  policy.auth_type ^= 1;
  VIPRA_CHECK(vrrp::check_policy(got, policy) == DropReason::kAuthType);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int kNotForTheCorpus = -1;
  if (size < 2 || data[1] >> 4 != 2) return kNotForTheCorpus;
  const auto input = fuzz::read_input({data, size});
  if (const auto got = fuzz::check_accepted(input.meta, input.message)) check_version_2(*got, input.message);
  return 0;
}
