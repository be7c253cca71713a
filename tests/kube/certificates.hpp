// Authorities and certificates made on the spot.
#pragma once

#include <string>
#include <vector>

namespace vipra::test {

struct Pem {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  explicit Authority(const std::string& name);
  [[nodiscard]] const std::string& certificate() const { return own_.certificate; }
  // `names`: "DNS:api.example", "IP:127.0.0.1".
  [[nodiscard]] Pem issue(const std::string& common_name, const std::vector<std::string>& names = {}) const;

 private:
  Pem own_;
};

}  // namespace vipra::test
