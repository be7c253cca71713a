// One report stream, from its token to its end. Everything but gRPC's callbacks runs on the server's strand.
// Internal to this module.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "collect/report_server.hpp"
#include "runtime/strand.hpp"
#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::collect {

class Stream;

// What a stream needs of its server. Called on the strand.
class StreamOwner {
 public:
  virtual ~StreamOwner() = default;
  virtual void accepted(const std::shared_ptr<Stream>& stream) = 0;  // its node is known
  virtual void took(const std::string& node, std::shared_ptr<const report::v1::NodeReport> report) = 0;
  virtual void refused(Reason reason, const std::string& node, std::string detail,
                       const std::string& peer) = 0;
  virtual void done(const std::shared_ptr<Stream>& stream) = 0;
};

class Stream final : public grpc::ServerBidiReactor<report::v1::NodeReport, report::v1::ReportAck>,
                     public std::enable_shared_from_this<Stream> {
 public:
  // All borrowed until done().
  Stream(grpc::CallbackServerContext& context, const ReportServer::Options& options, StreamOwner& owner,
         std::shared_ptr<runtime::Strand> strand);

  void begin();  // asks for the review
  // Ends the stream: once, the first status counts. Counted as refused unless `reason` is kNone.
  void end(Reason reason, grpc::StatusCode code, std::string detail);
  [[nodiscard]] const std::string& node() const { return node_; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  using Clock = std::chrono::steady_clock;
  using Action = void (Stream::*)();

  void post(std::function<void(Stream&)> action);
  void after(std::chrono::milliseconds delay, std::function<void(Stream&)> action);
  void review();
  void reviewed(std::uint64_t number, const TokenReview& review);
  void review_failed(const std::string& detail);
  void review_again_at_expiry(const TokenReview& review);
  void take(bool ok);
  void read();
  void acknowledge();
  void proceed();

  grpc::CallbackServerContext& context_;
  const ReportServer::Options& options_;
  StreamOwner& owner_;
  const std::shared_ptr<runtime::Strand> strand_;
  const std::string peer_;
  std::string token_;
  std::string node_;  // of the first review

  std::uint64_t reviews_ = 0;  // the answer to an older one is ignored
  std::optional<Clock::time_point> unavailable_since_;
  report::v1::NodeReport incoming_;
  Clock::time_point last_read_{};
  report::v1::ReportAck ack_;
  std::uint64_t taken_ = 0;
  bool ack_wanted_ = false;
  bool writing_ = false;
  std::optional<grpc::Status> final_;
  bool finished_ = false;
};

}  // namespace vipra::collect
