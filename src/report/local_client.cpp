#include "report/local_client.hpp"

#include <grpcpp/grpcpp.h>

#include <cerrno>
#include <utility>

#include "report/unix_socket.hpp"
#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::report {
namespace {

constexpr int kMaxReportBytes = 64 << 20;  // a thousand VirtualIPs with everything need about 4 MB

Status check_reachable(const std::string& path) {
  const auto state = probe_unix_socket(path);
  if (!state) return tl::unexpected{state.error()};
  switch (*state) {
    case SocketState::kLive:
      return {};
    case SocketState::kAbsent:
      return fail(Errc::kNotFound, "there is no socket " + path, ENOENT);
    case SocketState::kStale:
      return fail(Errc::kConflict, "nobody listens on " + path, ECONNREFUSED);
    case SocketState::kForeign:
      return fail(Errc::kConflict, path + " is not a socket", ENOTSOCK);
    case SocketState::kNoAccess:
      return fail(Errc::kPermission, "no right to use " + path, EACCES);
  }
  return fail(Errc::kIo, "cannot judge " + path);
}

Status from_grpc(const grpc::Status& status, const std::string& path) {
  const bool timeout = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
  return fail(timeout ? Errc::kTimeout : Errc::kIo,
              path + ": " + (timeout ? "no answer in time" : status.error_message()));
}

}  // namespace

struct LocalClient::Connection {
  std::unique_ptr<v1::NodeReports::Stub> stub;
  std::unique_ptr<v1::NodeCommands::Stub> commands;
};

LocalClient::LocalClient(std::string socket_path) : socket_path_{std::move(socket_path)} {}
LocalClient::~LocalClient() = default;

// A channel of its own for every call: gRPC's waits between tries would hide an agent that is back.
Status LocalClient::connect() {
  if (const auto reachable = check_reachable(socket_path_); !reachable) return reachable;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReportBytes);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = grpc::CreateCustomChannel(grpc_unix_target(socket_path_),
                                                 grpc::InsecureChannelCredentials(), arguments);
  connection_ = std::make_unique<Connection>(
      Connection{v1::NodeReports::NewStub(channel), v1::NodeCommands::NewStub(channel)});
  return {};
}

Result<v1::NodeReport> LocalClient::get(std::chrono::milliseconds timeout) {
  if (const auto connected = connect(); !connected) return tl::unexpected{connected.error()};
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  v1::NodeReport report;
  const auto status = connection_->stub->GetNodeReport(&context, {}, &report);
  if (!status.ok()) return tl::unexpected{from_grpc(status, socket_path_).error()};
  return report;
}

Result<v1::StandAsideReply> LocalClient::stand_aside(const v1::StandAsideRequest& request,
                                                     std::chrono::milliseconds timeout) {
  if (const auto connected = connect(); !connected) return tl::unexpected{connected.error()};
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  v1::StandAsideReply reply;
  const auto status = connection_->commands->StandAside(&context, request, &reply);
  const auto code = status.error_code();
  if (status.ok()) return reply;
  if (code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::NOT_FOUND ||
      code == grpc::StatusCode::FAILED_PRECONDITION)
    return fail(Errc::kInvalid, status.error_message());
  if (code == grpc::StatusCode::UNIMPLEMENTED)
    return fail(Errc::kInvalid, "this agent is older than vipctl and knows no such command");
  return tl::unexpected{from_grpc(status, socket_path_).error()};
}

Status LocalClient::watch(const std::stop_token& stop,
                          const std::function<bool(const v1::NodeReport&)>& on_report) {
  if (const auto connected = connect(); !connected) return connected;
  grpc::ClientContext context;
  const std::stop_callback cancel{stop, [&context] { context.TryCancel(); }};
  const auto reader = connection_->stub->WatchNodeReport(&context, {});
  v1::NodeReport report;
  while (reader->Read(&report)) {
    if (!stop.stop_requested() && on_report(report)) continue;
    context.TryCancel();
    (void)reader->Finish();
    return {};
  }
  const auto status = reader->Finish();
  if (stop.stop_requested()) return {};
  return from_grpc(status, socket_path_);
}

}  // namespace vipra::report
