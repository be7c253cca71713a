#include "report/report_stream.hpp"

#include <utility>

namespace vipra::report {
namespace {

constexpr std::size_t kMaxDetail = 300;

int to_ms(std::chrono::milliseconds value) {
  return static_cast<int>(value.count());
}

// A channel of its own for each stream: it is dialled at once, with the CA of now, and not when gRPC thinks
// that it is time to try again.
std::shared_ptr<grpc::Channel> dial_channel(const Dial& dial, const ReportClient::Options& options) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = dial.ca;
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride(options.server_name);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, to_ms(options.keepalive_time));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(4096);  // acknowledgements
  arguments.SetMaxSendMessageSize(-1);
  return grpc::CreateCustomChannel(dial.target, grpc::SslCredentials(tls), arguments);
}

Errc code_of(grpc::StatusCode code) {
  if (code == grpc::StatusCode::UNAUTHENTICATED || code == grpc::StatusCode::PERMISSION_DENIED)
    return Errc::kPermission;
  return code == grpc::StatusCode::DEADLINE_EXCEEDED ? Errc::kTimeout : Errc::kIo;
}

}  // namespace

ReportStream::ReportStream(Dial dial, const ReportClient::Options& options, Handlers handlers,
                           std::shared_ptr<runtime::Strand> strand)
    : dial_{std::move(dial)}, options_{options}, handlers_{std::move(handlers)}, strand_{std::move(strand)} {}

void ReportStream::post(std::function<void(ReportStream&)> action) {
  strand_->post([self = shared_from_this(), run = std::move(action)] { run(*self); });
}

void ReportStream::after(std::chrono::milliseconds delay, std::function<void(ReportStream&)> action) {
  strand_->after(delay, [weak = weak_from_this(), run = std::move(action)] {
    const auto self = weak.lock();
    if (self != nullptr && !self->closing_) run(*self);
  });
}

void ReportStream::open() {
  self_ = shared_from_this();
  channel_ = dial_channel(dial_, options_);
  stub_ = v1::ClusterReports::NewStub(channel_);
  context_.AddMetadata("authorization", "Bearer " + dial_.token);
  stub_->async()->StreamReports(&context_, this);
  AddHold();  // writes are begun outside of gRPC's callbacks; close() or the end removes it
  StartRead(&incoming_);
  StartCall();
  after(options_.connect_timeout, [](ReportStream& self) {
    if (!self.accepted_) self.give_up(fail(Errc::kTimeout, "no acknowledgement in time"));
  });
}

void ReportStream::offer(std::shared_ptr<const v1::NodeReport> report) {
  latest_ = std::move(report);
  proceed();
}

// One report at a time, until it is acknowledged: a slow replica gets the newest, not a queue of old ones.
void ReportStream::proceed() {
  if (closing_ || busy_ || unacknowledged_since_ || latest_ == nullptr ||
      (latest_ == writing_ && !refresh_due_))
    return;
  refresh_due_ = false;
  busy_ = true;
  writing_ = latest_;
  unacknowledged_since_ = Clock::now();
  StartWrite(writing_.get());
  const auto number = ++writes_;
  after(options_.refresh, [number](ReportStream& self) {
    if (self.writes_ != number) return;
    self.refresh_due_ = true;
    self.proceed();
  });
  after(options_.ack_timeout, [](ReportStream& self) { self.check_acknowledged(); });
}

void ReportStream::acknowledged(std::uint64_t sequence) {
  if (closing_) return;
  accepted_ = true;
  unacknowledged_since_.reset();
  handlers_.on_ack(sequence);
  StartRead(&incoming_);
  proceed();
}

void ReportStream::check_acknowledged() {
  if (unacknowledged_since_ && Clock::now() - *unacknowledged_since_ >= options_.ack_timeout)
    give_up(fail(Errc::kTimeout, "a report was not acknowledged in time"));
}

void ReportStream::give_up(Status why) {
  if (closing_) return;
  close();
  handlers_.on_end(std::move(why));
}

void ReportStream::close() {
  if (closing_) return;
  closing_ = true;
  context_.TryCancel();
  RemoveHold();
}

void ReportStream::OnReadDone(bool ok) {
  if (ok) {
    post([sequence = incoming_.sequence()](ReportStream& self) { self.acknowledged(sequence); });
  } else {
    // The stream is over; without our hold gRPC says why, in OnDone.
    post([](ReportStream& self) {
      if (std::exchange(self.closing_, true)) return;
      self.RemoveHold();
      self.ended_by_peer_ = true;
    });
  }
}

void ReportStream::OnWriteDone(bool /*ok*/) {
  post([](ReportStream& self) {
    self.busy_ = false;
    self.proceed();
  });
}

void ReportStream::OnDone(const grpc::Status& status) {
  auto detail = status.ok() ? std::string{"the controller ended the stream"} : status.error_message();
  if (detail.size() > kMaxDetail) detail.resize(kMaxDetail);
  const auto keep = std::move(self_);
  post([code = code_of(status.error_code()), detail = std::move(detail)](ReportStream& self) {
    if (self.ended_by_peer_) self.handlers_.on_end(fail(code, detail));
  });
}

}  // namespace vipra::report
