// Base64 as Secrets (RFC 4648 section 4, padded) and JSON Web Tokens (section 5, not padded) have it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vipra::controller {

[[nodiscard]] std::string encoded_base64(std::string_view bytes);
// Either alphabet, padded or not; nothing if there is any other character.
[[nodiscard]] std::optional<std::string> decoded_base64(std::string_view text);

}  // namespace vipra::controller
