// The node's end of the report streams: keeps one stream to every replica of the controller and sends it the
// newest report. Whatever the network or a replica does, publish() only swaps a pointer. gRPC stays behind
// the pimpl.
//
// Endpoints are address and port, because nothing here asks DNS; the certificate is checked for `server_name`
// whichever address is dialled. CA and token are read anew for each connection, and a stream is opened anew
// when the token's file has changed, so that rotation needs no restart.
//
// Threading: every method is thread-safe. One worker thread connects, reads the token's file and waits;
// callbacks run on it, or on gRPC's threads, and must not block.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vipra::report::v1 {
class NodeReport;
}  // namespace vipra::report::v1

namespace vipra::report {

class ReportClient {
 public:
  struct Options {
    std::string server_name;  // the DNS name in the replicas' certificates
    std::string token_file;   // read for each stream; at most 16 KiB
    std::chrono::milliseconds first_retry{100};
    std::chrono::milliseconds last_retry{5'000};
    std::chrono::milliseconds connect_timeout{5'000};  // until the first acknowledgement
    std::chrono::milliseconds refresh{5'000};  // the report is sent again so often though it has not changed
    std::chrono::milliseconds ack_timeout{20'000};  // of a report, before the stream is given up
    std::chrono::milliseconds token_check{10'000};
    std::chrono::milliseconds keepalive_time{10'000};
    std::chrono::milliseconds keepalive_timeout{5'000};
    std::size_t max_endpoints = 16;  // more are left alone
    // A stream came up, or why it did not stay up; for the log. Not called for repetitions of the same error.
    std::function<void(const std::string& endpoint, const Status& status)> on_change = {};
  };
  struct Endpoint {
    std::string address;
    bool accepted = false;           // the replica has acknowledged a report on the stream that is open
    std::uint64_t acknowledged = 0;  // sequence
    std::uint64_t attempts = 0;      // connections begun
    std::string error;               // the last one
  };

  explicit ReportClient(Options options);
  ~ReportClient();  // stops
  ReportClient(const ReportClient&) = delete;
  ReportClient& operator=(const ReportClient&) = delete;

  // "192.0.2.1:9443", "[2001:db8::1]:9443". Those that stay keep their streams. Errors: kInvalid (one that is
  // no literal address with a port; the others are used).
  Status set_endpoints(const std::vector<std::string>& endpoints);
  // PEM; without one nothing is dialled. Streams that are open stay.
  void set_ca(std::string pem);
  void publish(std::shared_ptr<const v1::NodeReport> report);  // not null, not changed afterwards
  [[nodiscard]] std::vector<Endpoint> endpoints() const;       // by address

  void stop();  // ends within a second; final

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace vipra::report
