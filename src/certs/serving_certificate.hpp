// A serving certificate that the controller makes itself where nobody gives it one: a CA of its own and a
// leaf signed by it, ECDSA P-256, as PEM in memory. Also the judgement of certificates from elsewhere. No
// files, no network; any thread. OpenSSL stays in the source.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vipra::certs {

struct ServingCertificate {
  std::string ca_pem;     // for the clients
  std::string chain_pem;  // leaf first
  std::string key_pem;    // secret: never logged
};

struct CertificateRequest {
  std::vector<std::string> dns_names;  // 1 to 32, the first is the common name
  std::int64_t now_unix = 0;           // seconds; the certificate is valid from five minutes before
  std::chrono::seconds validity{};
};

// The CA's key is thrown away: a renewal makes a new CA, so clients must be given `ca_pem` each time (old and
// new together while both are in use). Errors: kInvalid (names, validity), kIo (OpenSSL).
[[nodiscard]] Result<ServingCertificate> make_serving_certificate(const CertificateRequest& request);

struct CertificateInfo {
  std::int64_t not_before_unix = 0;
  std::int64_t not_after_unix = 0;
  std::vector<std::string> dns_names;
};

// The first certificate of a PEM text. Errors: kInvalid.
[[nodiscard]] Result<CertificateInfo> inspect_certificate(const std::string& pem);

// Whether the key belongs to the first certificate and that one is for `dns_name` and valid now; the error
// (kInvalid) says what is wrong, without a word of the key.
[[nodiscard]] Status check_serving_certificate(const std::string& chain_pem, const std::string& key_pem,
                                               const std::string& dns_name, std::int64_t now_unix);

// Both bundles one after the other, each certificate once, expired ones left out; at most 16, those of
// `newer` first.
[[nodiscard]] Result<std::string> merge_ca_bundles(const std::string& newer, const std::string& older,
                                                   std::int64_t now_unix);

// When to make the next one: after two thirds of its time.
[[nodiscard]] std::int64_t renewal_time(const CertificateInfo& info);

}  // namespace vipra::certs
