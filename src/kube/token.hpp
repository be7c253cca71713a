// The bearer token, read again when its file has changed: tokens of service accounts live for an hour.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "kube/access.hpp"

namespace vipra::kube {

class Token {
 public:
  explicit Token(Material material) : material_{std::move(material)} {}

  // The token as it is now; "" if none is configured. Looks at the file once a second at most; goes on with
  // the old token while the file cannot be read.
  [[nodiscard]] Result<std::string> get(TimePoint now);
  // The server refused it: the file is read at the next get().
  void distrust() { look_again_.reset(); }

 private:
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] Status read();

  Material material_;
  std::string token_;
  Stamp stamp_;
  std::optional<TimePoint> look_again_;
};

}  // namespace vipra::kube
