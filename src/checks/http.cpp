#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>
#include <memory>

#include "checks/attempt.hpp"

namespace vipra::checks {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t kMaxAnswerHeader = 16 * 1024;
constexpr std::size_t kMaxShownPath =
    200;  // the sentence about a result goes into logs, reports and contributions

std::string target_of(const definitions::HttpProbe& probe) {
  const bool fits = probe.path.size() <= kMaxShownPath;
  return "http " + host_and_port(probe.host, probe.port) +
         (fits ? probe.path : probe.path.substr(0, kMaxShownPath - 3) + "...");
}

// GET, then the status line and the header of the answer; the body is never read.
class HttpAttempt final : public Attempt {
 public:
  HttpAttempt(asio::io_context& io, const definitions::HttpProbe& probe, Duration timeout)
      : Attempt{io, probe.host, probe.port, target_of(probe), timeout}, probe_{probe} {
    const auto& host = probe.host_header.empty() ? host_and_port(probe.host, probe.port) : probe.host_header;
    request_ = "GET " + probe.path + " HTTP/1.1\r\nHost: " + host +
               "\r\nUser-Agent: vipra-control\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    parser_.header_limit(kMaxAnswerHeader);
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());  // never read, so of any length
  }

 private:
  void on_connected() override {
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this(), this](const error_code& error, std::size_t) {
                        if (ended()) return;
                        if (error) return broken(error);
                        read_header();
                      });
  }

  void read_header() {
    http::async_read_header(socket_, buffer_, parser_,
                            [self = shared_from_this(), this](const error_code& error, std::size_t) {
                              if (ended()) return;
                              if (error) return broken(error);
                              judge(static_cast<int>(parser_.get().result_int()));
                            });
  }

  void judge(int status) {
    const auto answered = "answered " + std::to_string(status);
    if (status >= probe_.status_min && status <= probe_.status_max) {
      end(Outcome::kPassed, Reason::kCheckPassed, answered);
      return;
    }
    const auto expected = probe_.status_min == probe_.status_max
                              ? std::to_string(probe_.status_min)
                              : std::to_string(probe_.status_min) + "-" + std::to_string(probe_.status_max);
    end(Outcome::kFailed, Reason::kCheckWrongStatus, answered + ", expected " + expected);
  }

  void broken(const error_code& error) {
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == asio::error::eof || error == asio::error::connection_reset ||
        error == asio::error::broken_pipe) {
      end(Outcome::kFailed, Reason::kCheckBadResponse, "closed the connection before it had answered");
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      end(Outcome::kFailed, Reason::kCheckBadResponse, "answered with a header of more than 16 KB");
    } else {
      end(Outcome::kFailed, Reason::kCheckBadResponse, "did not answer in HTTP: " + error.message());
    }
  }

  definitions::HttpProbe probe_;
  std::string request_;
  boost::beast::flat_buffer buffer_{kMaxAnswerHeader + 1024};
  http::response_parser<http::empty_body> parser_;
};

}  // namespace

std::unique_ptr<Probe> make_http_probe(asio::io_context& io, const definitions::HttpProbe& probe,
                                       Duration timeout) {
  return make_attempt_probe(std::make_shared<HttpAttempt>(io, probe, timeout));
}

}  // namespace vipra::checks
