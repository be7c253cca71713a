#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace vipra::detail {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr,
               "{\"level\":\"fatal\",\"event\":\"check.failed\",\"condition\":\"%s\",\"at\":\"%s:%d\"}\n",
               condition, file, line);
  std::abort();
}

}  // namespace vipra::detail
