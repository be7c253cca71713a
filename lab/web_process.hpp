// The process behind WebResponder, and the page that the two share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "lab/web_responder.hpp"

namespace vipra::lab {

inline constexpr std::size_t kMaxRequest = 1024;

struct WebPage {
  std::atomic<WebMode> mode{WebMode::kRefuse};
  std::atomic<int> http_status{200};
  std::atomic<std::uint32_t> ordered{0};
  std::atomic<std::uint32_t> obeyed{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::size_t> last_size{0};
  std::array<char, kMaxRequest> last_request{};
};

// Runs until it is killed. Allocates nothing (see Spawner::fork_into).
int serve_web(WebPage& page, int wake, const char* node, std::uint16_t port);

}  // namespace vipra::lab
