#include "report/watchers.hpp"

#include <algorithm>
#include <utility>

namespace vipra::report {

void Watcher::offer() {
  proceed();
}

void Watcher::finish(grpc::Status status) {
  {
    const std::lock_guard lock{mutex_};
    if (finish_wanted_) return;
    finish_wanted_ = true;
    final_status_ = std::move(status);
  }
  proceed();
}

// Exactly one write or Finish is under way at a time: whoever sets writing_ or finished_ makes the call.
void Watcher::proceed() {
  std::unique_lock lock{mutex_};
  if (writing_ || finished_) return;
  if (finish_wanted_) {
    finished_ = true;
    const grpc::Status status = final_status_;
    lock.unlock();
    Finish(status);
    return;
  }
  ReportPtr next = board_->latest();
  if (next == nullptr || next == current_) return;
  writing_ = true;
  current_ = std::move(next);
  const v1::NodeReport* message = current_.get();
  lock.unlock();
  StartWrite(message);
}

void Watcher::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock{mutex_};
    writing_ = false;
    if (!ok && !finish_wanted_) {
      finish_wanted_ = true;
      final_status_ = grpc::Status{grpc::StatusCode::CANCELLED, "the reader went away"};
    }
  }
  proceed();
}

void Watcher::OnCancel() {
  finish({grpc::StatusCode::CANCELLED, "cancelled"});
}

void Watcher::OnDone() {
  board_->forget(this);
}

void Board::publish(ReportPtr report) {
  {
    const std::lock_guard lock{mutex_};
    latest_ = std::move(report);
  }
  for (const auto& watcher : watchers()) watcher->offer();
}

ReportPtr Board::latest() const {
  const std::lock_guard lock{mutex_};
  return latest_;
}

void Board::open() {
  const std::lock_guard lock{mutex_};
  closed_ = false;
  refused_ = 0;
}

void Board::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  for (const auto& watcher : watchers()) watcher->finish({grpc::StatusCode::UNAVAILABLE, "the agent stops"});
}

void Board::forget(Watcher* watcher) {
  std::shared_ptr<Watcher> keep;
  const std::lock_guard lock{mutex_};
  const auto it = std::find_if(watchers_.begin(), watchers_.end(),
                               [&](const auto& item) { return item.get() == watcher; });
  if (it == watchers_.end()) return;
  keep = std::move(*it);
  watchers_.erase(it);
}

Board::Counts Board::counts() const {
  const std::lock_guard lock{mutex_};
  return {watchers_.size(), refused_};
}

std::vector<std::shared_ptr<Watcher>> Board::watchers() const {
  const std::lock_guard lock{mutex_};
  return watchers_;
}

grpc::ServerUnaryReactor* Board::GetNodeReport(grpc::CallbackServerContext* context,
                                               const v1::GetNodeReportRequest* /*request*/,
                                               v1::NodeReport* response) {
  auto* reactor = context->DefaultReactor();
  if (const auto report = latest()) {
    *response = *report;
    reactor->Finish(grpc::Status::OK);
  } else {
    reactor->Finish({grpc::StatusCode::UNAVAILABLE, "the agent has no report yet"});
  }
  return reactor;
}

grpc::ServerWriteReactor<v1::NodeReport>* Board::WatchNodeReport(
    grpc::CallbackServerContext* /*context*/, const v1::WatchNodeReportRequest* /*request*/) {
  const auto watcher = std::make_shared<Watcher>(*this);
  bool admitted = false;
  bool stopping = false;
  {
    // Also a refused one is kept until OnDone: gRPC uses it until then.
    const std::lock_guard lock{mutex_};
    stopping = closed_;
    admitted = !closed_ && watchers_.size() < max_watchers_;
    watchers_.push_back(watcher);
    if (!admitted && !stopping) ++refused_;
  }
  if (stopping) {
    watcher->finish({grpc::StatusCode::UNAVAILABLE, "the agent stops"});
  } else if (!admitted) {
    watcher->finish({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many watchers"});
  } else {
    watcher->offer();
  }
  return watcher.get();
}

}  // namespace vipra::report
