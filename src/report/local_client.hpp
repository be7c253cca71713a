// The other end of LocalServer: how vipctl reads a node's report. Blocking; one call at a time on one object.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::report {

class LocalClient {
 public:
  explicit LocalClient(std::string socket_path);
  ~LocalClient();
  LocalClient(const LocalClient&) = delete;
  LocalClient& operator=(const LocalClient&) = delete;

  // Errors: kNotFound (no socket there), kPermission, kConflict (not a socket, or nobody listens), kTimeout,
  // kIo (the server said why).
  [[nodiscard]] Result<v1::NodeReport> get(std::chrono::milliseconds timeout);

  // Errors besides those above: kInvalid, with the agent's own sentence, where it refuses.
  [[nodiscard]] Result<v1::StandAsideReply> stand_aside(const v1::StandAsideRequest& request,
                                                        std::chrono::milliseconds timeout);

  // Calls `on_report` with the report now and with newer ones, until it returns false or `stop` is requested
  // (then success) or the stream ends (then an error as above).
  [[nodiscard]] Status watch(const std::stop_token& stop,
                             const std::function<bool(const v1::NodeReport&)>& on_report);

 private:
  struct Connection;
  [[nodiscard]] Status connect();

  std::string socket_path_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace vipra::report
