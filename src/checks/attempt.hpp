// What every probe over TCP shares: one connection under one timeout, and the words for what may go wrong
// with it. For the sources of this module only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "checks/probe.hpp"

namespace vipra::checks {

// Handlers hold a shared pointer; end() and cancel() close the socket, so that they all come to an end soon.
class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(boost::asio::io_context& io, const std::string& host, std::uint16_t port, std::string target,
          Duration timeout);
  virtual ~Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void start(Probe::Done done);
  void cancel() noexcept;

 protected:
  using Outcome = ProbeResult::Outcome;

  // The connection stands. Must lead to exactly one end().
  virtual void on_connected() = 0;
  // `words` follow the target: "answered 503, expected 200-399". Later calls are ignored.
  void end(Outcome outcome, Reason reason, const std::string& words);
  void fail_connecting(const boost::system::error_code& error);
  [[nodiscard]] bool ended() const noexcept { return !done_; }

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::socket socket_;

 private:
  void connect();

  boost::asio::steady_timer timer_;
  std::string host_;
  std::uint16_t port_;
  std::string target_;  // "tcp 127.0.0.1:80"
  Duration timeout_;
  TimePoint started_{};
  Probe::Done done_;
};

[[nodiscard]] std::unique_ptr<Probe> make_attempt_probe(std::shared_ptr<Attempt> attempt);

// "127.0.0.1:80", "[::1]:80"; an empty host is 127.0.0.1.
[[nodiscard]] std::string host_and_port(const std::string& host, std::uint16_t port);

}  // namespace vipra::checks
