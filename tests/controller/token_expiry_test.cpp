#include "controller/token_expiry.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vipra::controller {
namespace {

// Payloads encoded by Python's base64.urlsafe_b64encode, without the padding.
TEST(TokenExpiry, IsTheClaimExp) {
  EXPECT_EQ(token_expiry("eyJhbGciOiJSUzI1NiJ9."
                         "eyJhdWQiOlsidmlwcmEtY29udHJvbGxlciJdLCJleHAiOjE4MDAwMDAwMDAsInN1YiI6InN5c3RlbTpzZXJ"
                         "2aWNlYWNjb3VudDp2aXByYS1zeXN0ZW06dmlwcmEtYWdlbnQifQ.c2ln"),
            1'800'000'000);
  EXPECT_EQ(token_expiry("eyJhbGciOiJSUzI1NiJ9.eyJuIjoiw6nDvz8_Pj4iLCJleHAiOjF9.c2ln"), 1);
}

TEST(TokenExpiry, WhatIsNoSuchTokenHasNone) {
  for (const auto* token : {"", "opaque", "a.b", "a.!.c", "..", "a.e30.c", "a.W10.c", "a.eyJleHAiOiIxIn0.c"})
    EXPECT_FALSE(token_expiry(token)) << token;
  EXPECT_FALSE(token_expiry(std::string(20'000, 'a') + ".e30.c"));
}

}  // namespace
}  // namespace vipra::controller
