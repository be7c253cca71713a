// A certificate authority of the lab's own: EC P-256 keys, made in memory in a millisecond. Also for tests of
// serving certificates (wrong names, expired ones, another CA). Plain values; any thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"

namespace vipra::lab::kube {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;          // PEM, PKCS #8
};

struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> organizations{};  // groups, where a client presents it
  std::vector<std::string> dns_names{};
  std::vector<IpAddress> addresses{};
  std::chrono::seconds valid_from{-3600};  // from now; negative: already
  std::chrono::seconds valid_until{24 * 3600};
};

class Authority {
 public:
  [[nodiscard]] static Result<Authority> make(const std::string& common_name);

  [[nodiscard]] const std::string& certificate() const noexcept { return own_.certificate; }
  // For servers and clients alike.
  [[nodiscard]] Result<KeyPair> issue(const CertificateRequest& request) const;

 private:
  explicit Authority(KeyPair own) : own_{std::move(own)} {}
  KeyPair own_;
};

// A key to sign with, and its public half: what service account tokens need. PEM.
struct SigningKey {
  std::string secret;
  std::string open;
};
[[nodiscard]] Result<SigningKey> make_signing_key();

// Writes <stem>.crt and <stem>.key (0600).
[[nodiscard]] Status write_key_pair(const std::filesystem::path& stem, const KeyPair& pair);

}  // namespace vipra::lab::kube
