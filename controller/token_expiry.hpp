// When a bearer token says that it expires. Nothing is believed for it: TokenReview judges the token; this
// only says when to ask again. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vipra::controller {

// The claim `exp` of a JSON Web Token, in Unix seconds; none if it is no such token or has none.
[[nodiscard]] std::optional<std::int64_t> token_expiry(std::string_view token);

}  // namespace vipra::controller
