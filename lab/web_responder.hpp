// A tiny HTTP server in a node, for health checks: a process of the node, so it dies with it. IPv4 and IPv6.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "lab/child.hpp"
#include "lab/net_namespace.hpp"
#include "lab/spawner.hpp"

namespace vipra::lab {

inline constexpr std::uint16_t kWebPort = 8080;

enum class WebMode : std::uint8_t { kRefuse, kServe, kHang };
struct WebPage;  // shared with the process (web_process.hpp)

// Each setter returns when the process has taken the new behaviour.
class WebResponder {
 public:
  // Starts refusing.
  [[nodiscard]] static Result<std::unique_ptr<WebResponder>> start(Spawner& spawner, const NetNamespace& net,
                                                                   const std::string& node,
                                                                   std::uint16_t port = kWebPort);
  ~WebResponder();
  WebResponder(const WebResponder&) = delete;
  WebResponder& operator=(const WebResponder&) = delete;

  [[nodiscard]] Status serve(int http_status = 200);  // answers every request with it and the node's name
  [[nodiscard]] Status refuse();                      // nobody listens: connection refused
  [[nodiscard]] Status hang();                        // accepts, never answers

  [[nodiscard]] std::uint64_t requests() const;    // whole requests answered
  [[nodiscard]] std::string last_request() const;  // its first 1 KiB, e.g. to look at the Host header

 private:
  WebResponder() = default;
  [[nodiscard]] Status command(WebMode mode, int http_status);

  WebPage* page_ = nullptr;
  UniqueFd wake_;
  Child child_;
};

}  // namespace vipra::lab
