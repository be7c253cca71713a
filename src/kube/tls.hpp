// What a TLS context of ours trusts and shows.
#pragma once

#include "base/result.hpp"
#include "kube/access.hpp"

struct ssl_ctx_st;

namespace vipra::kube {

// Trusts nothing but access.ca (whatever was trusted before is forgotten, also when this fails), speaks
// TLS 1.2 or newer, shows the client certificate if there is one. Reads the files now.
[[nodiscard]] Status set_up_tls(ssl_ctx_st* context, const Access& access);

}  // namespace vipra::kube
