#include "channel/protocol.hpp"

namespace vipra::channel {

v1::Hello make_hello(v1::Role role, std::string_view build, std::uint64_t epoch) {
  v1::Hello hello;
  hello.set_version(kVersion);
  hello.set_build(std::string{build.substr(0, kMaxBuildBytes)});
  hello.set_role(role);
  hello.set_epoch(epoch);
  return hello;
}

Status check_hello(const v1::Hello& hello, v1::Role expected) {
  if (hello.version() != kVersion) {
    return fail(Errc::kUnsupported, "the peer speaks version " + std::to_string(hello.version()) +
                                        " of the channel, this program speaks " + std::to_string(kVersion));
  }
  if (hello.role() != expected) {
    return fail(Errc::kInvalid, "the peer says it is " + std::string{to_string(hello.role())} +
                                    ", expected " + std::string{to_string(expected)});
  }
  if (hello.build().size() > kMaxBuildBytes) return fail(Errc::kInvalid, "the peer's build name is too long");
  return {};
}

std::string_view to_string(v1::Role role) noexcept {
  if (role == v1::ROLE_SUPERVISOR) return "the supervisor";
  if (role == v1::ROLE_SPEAKER) return "the speaker";
  if (role == v1::ROLE_CONTROL) return "control";
  return "of no known role";
}

}  // namespace vipra::channel
