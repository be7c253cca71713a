#include "report/local_server.hpp"

#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

#include "base/check.hpp"
#include "report/command_service.hpp"
#include "report/unix_socket.hpp"
#include "report/utf8.hpp"
#include "report/watchers.hpp"

namespace vipra::report {
namespace {

constexpr int kMaxRequestBytes = 4096;  // the requests are empty; this leaves room for fields to come
constexpr mode_t kSocketMode = 0660;

struct FileIdentity {
  dev_t device;
  ino_t inode;
  bool operator==(const FileIdentity&) const = default;
};

std::optional<FileIdentity> identity(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  return FileIdentity{info.st_dev, info.st_ino};
}

// A name of its own for each start: gRPC removes whatever socket it finds under the name it binds.
std::string temporary_name(const std::string& path) {
  std::array<char, 8> suffix{};
  (void)std::snprintf(suffix.data(), suffix.size(), ".%06x", std::random_device{}() & 0xffffffU);
  return path + suffix.data();
}

Status check_path_free(const std::string& path) {
  const auto state = probe_unix_socket(path);
  if (!state) return tl::unexpected{state.error()};
  switch (*state) {
    case SocketState::kAbsent:
    case SocketState::kStale:
      break;
    case SocketState::kLive:
      return fail(Errc::kConflict, "another process serves " + path);
    case SocketState::kForeign:
      return fail(Errc::kConflict, path + " is not a socket");
    case SocketState::kNoAccess:
      return fail(Errc::kPermission, "no access to " + path, EACCES);
  }
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : (slash == 0 ? "/" : path.substr(0, slash));
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return fail_errno("cannot make a socket in " + folder, errno);
  return {};
}

}  // namespace

struct LocalServer::Serving {
  Serving(Options given, OnCommand on_command)
      : options{std::move(given)}, board{options.max_watchers}, commands{std::move(on_command)} {}

  const Options options;
  Board board;
  CommandService commands;
  std::mutex mutex;  // start and stop
  std::unique_ptr<grpc::Server> server;
  std::optional<FileIdentity> socket;
};

LocalServer::LocalServer(Options options, OnCommand on_command)
    : serving_{std::make_unique<Serving>(std::move(options), std::move(on_command))} {}

LocalServer::~LocalServer() {
  stop();
}

Status LocalServer::start() {
  Serving& serving = *serving_;
  const std::lock_guard lock{serving.mutex};
  VIPRA_CHECK(serving.server == nullptr);
  const std::string& path = serving.options.socket_path;
  if (const auto free = check_path_free(path); !free) return free;

  const std::string temporary = temporary_name(path);
  int bound = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(grpc_unix_target(temporary), grpc::InsecureServerCredentials(), &bound);
  builder.RegisterService(&serving.board);
  builder.RegisterService(&serving.commands);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  auto server = builder.BuildAndStart();
  if (server == nullptr || bound == 0) return fail(Errc::kIo, "cannot listen on " + path);

  const auto give_up = [&](std::string what, int error) -> Status {
    server->Shutdown(std::chrono::system_clock::now());
    ::unlink(temporary.c_str());
    return fail_errno(std::move(what), error);
  };
  if (::chmod(temporary.c_str(), kSocketMode) != 0) return give_up("cannot set the mode of " + path, errno);
  const auto socket = identity(temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up("cannot make " + path, errno);
  serving.socket = socket;
  serving.server = std::move(server);
  serving.board.open();
  return {};
}

void LocalServer::stop() {
  Serving& serving = *serving_;
  const std::lock_guard lock{serving.mutex};
  if (serving.server == nullptr) return;
  const std::string& path = serving.options.socket_path;
  if (serving.socket && identity(path) == serving.socket) ::unlink(path.c_str());
  serving.board.close();
  serving.server->Shutdown(std::chrono::system_clock::now() + serving.options.shutdown_timeout);
  serving.server.reset();
  serving.socket.reset();
}

void LocalServer::publish(std::shared_ptr<const v1::NodeReport> report) {
  VIPRA_CHECK(report != nullptr);
  if (!all_strings_utf8(*report)) {
    auto repaired = std::make_shared<v1::NodeReport>(*report);
    repair_strings(*repaired);
    report = std::move(repaired);
  }
  serving_->board.publish(std::move(report));
}

LocalServer::Counters LocalServer::counters() const {
  const auto counts = serving_->board.counts();
  return {.watchers = counts.watchers, .watchers_refused = counts.refused};
}

}  // namespace vipra::report
