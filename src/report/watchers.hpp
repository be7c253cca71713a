// The report service itself: the latest report and the calls that wait for a newer one. Internal to this
// module.
//
// Locking: Board::mutex_ guards the latest report and the list; each Watcher has a mutex of its own, taken
// before the board's. gRPC is never called with one of them held, because it may run the callback of the very
// call inside.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::report {

using ReportPtr = std::shared_ptr<const v1::NodeReport>;

// One WatchNodeReport call. It writes the newest report whenever it is not writing, so a slow reader skips.
class Watcher final : public grpc::ServerWriteReactor<v1::NodeReport> {
 public:
  // A write needs a started call: gRPC starts it after the handler has returned, and holds writes until then.
  explicit Watcher(class Board& board) : board_{&board} {}

  void offer();  // there may be something newer
  void finish(grpc::Status status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void proceed();

  Board* board_;
  std::mutex mutex_;
  ReportPtr current_;  // being written, or written last
  bool writing_ = false;
  bool finished_ = false;
  bool finish_wanted_ = false;
  grpc::Status final_status_;
};

class Board final : public v1::NodeReports::CallbackService {
 public:
  explicit Board(std::size_t max_watchers) : max_watchers_{max_watchers} {}

  void publish(ReportPtr report);
  [[nodiscard]] ReportPtr latest() const;
  void open();   // calls are taken
  void close();  // ends the watchers that wait; new ones are refused
  void forget(Watcher* watcher);

  struct Counts {
    std::size_t watchers;
    std::uint64_t refused;
  };
  [[nodiscard]] Counts counts() const;

  grpc::ServerUnaryReactor* GetNodeReport(grpc::CallbackServerContext* context,
                                          const v1::GetNodeReportRequest* request,
                                          v1::NodeReport* response) override;
  grpc::ServerWriteReactor<v1::NodeReport>* WatchNodeReport(
      grpc::CallbackServerContext* context, const v1::WatchNodeReportRequest* request) override;

 private:
  [[nodiscard]] std::vector<std::shared_ptr<Watcher>> watchers() const;

  const std::size_t max_watchers_;
  mutable std::mutex mutex_;
  ReportPtr latest_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
  std::uint64_t refused_ = 0;
  bool closed_ = true;
};

}  // namespace vipra::report
