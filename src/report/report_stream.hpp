// One stream of reports to one replica, from the dial to its end. Everything but gRPC's callbacks runs on the
// client's strand. Internal to this module.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "report/report_client.hpp"
#include "runtime/strand.hpp"
#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::report {

struct Dial {
  std::string endpoint;
  std::string target;  // for gRPC
  std::string ca;
  std::string token;
};

class ReportStream final : public grpc::ClientBidiReactor<v1::NodeReport, v1::ReportAck>,
                           public std::enable_shared_from_this<ReportStream> {
 public:
  // Both are called on the strand; `on_end` once, and not after close().
  struct Handlers {
    std::function<void(std::uint64_t sequence)> on_ack;
    std::function<void(Status why)> on_end;
  };

  ReportStream(Dial dial, const ReportClient::Options& options, Handlers handlers,
               std::shared_ptr<runtime::Strand> strand);

  void open();
  void offer(std::shared_ptr<const v1::NodeReport> report);  // the newest; written when nothing else is
  void close();                                              // without a word to the handlers
  [[nodiscard]] const std::string& token() const { return dial_.token; }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  using Clock = std::chrono::steady_clock;

  void post(std::function<void(ReportStream&)> action);
  void after(std::chrono::milliseconds delay, std::function<void(ReportStream&)> action);
  void proceed();
  void acknowledged(std::uint64_t sequence);
  void check_acknowledged();
  void give_up(Status why);

  const Dial dial_;
  const ReportClient::Options options_;  // a copy: gRPC may keep the stream longer than its client
  Handlers handlers_;
  const std::shared_ptr<runtime::Strand> strand_;
  std::shared_ptr<ReportStream> self_;  // until OnDone: gRPC uses it so long
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ClusterReports::Stub> stub_;
  grpc::ClientContext context_;
  v1::ReportAck incoming_;

  std::shared_ptr<const v1::NodeReport> latest_;
  std::shared_ptr<const v1::NodeReport> writing_;  // or written last
  bool busy_ = false;
  bool refresh_due_ = false;
  std::uint64_t writes_ = 0;
  std::optional<Clock::time_point> unacknowledged_since_;
  bool accepted_ = false;
  bool closing_ = false;        // no operation is begun any more
  bool ended_by_peer_ = false;  // and OnDone will say why
};

}  // namespace vipra::report
