// What came of one request of a RouteSocket, filled in by libnl's callbacks. For the sources of RouteSocket.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "net/route_socket.hpp"

struct nlmsgerr;
struct sockaddr_nl;

namespace vipra::net {

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // One message of the answer, with its header.
  virtual void on_message(std::span<const std::uint8_t> bytes) = 0;
};

struct RouteSocket::Replies {
  ReplySink* sink = nullptr;  // none: the answer holds nothing but success or failure
  bool complete = false;
  int sys_errno = 0;
  std::string explanation{};

  static int skip_strangers(nl_msg* message, void* context) noexcept;
  static int on_valid(nl_msg* message, void* context) noexcept;
  static int on_ack(nl_msg* message, void* context) noexcept;
  static int on_finish(nl_msg* message, void* context) noexcept;
  static int on_error(sockaddr_nl* from, nlmsgerr* error, void* context) noexcept;
};

// `result` as RouteSocket::transact() gives it: an errno, or a negative error of libnl.
[[nodiscard]] tl::unexpected<Error> fail_request(std::string what, int result,
                                                 const std::string& explanation);
[[nodiscard]] tl::unexpected<Error> out_of_memory();

}  // namespace vipra::net
