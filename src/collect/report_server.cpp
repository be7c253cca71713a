#include "collect/report_server.hpp"

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <set>
#include <utility>

#include "base/check.hpp"
#include "collect/rotating_credentials.hpp"
#include "collect/stream.hpp"
#include "runtime/strand.hpp"

namespace vipra::collect {
namespace {

int to_ms(std::chrono::milliseconds value) {
  return static_cast<int>(value.count());
}

}  // namespace

struct ReportServer::Serving final : report::v1::ClusterReports::CallbackService, StreamOwner {
  explicit Serving(Options given) : options{std::move(given)} {}

  grpc::ServerBidiReactor<report::v1::NodeReport, report::v1::ReportAck>* StreamReports(
      grpc::CallbackServerContext* context) override {
    const auto stream = std::make_shared<Stream>(*context, options, *this, strand);
    strand->post([this, stream] { admit(stream); });
    return stream.get();
  }

  // On the strand from here.
  void admit(const std::shared_ptr<Stream>& stream) {
    streams.insert(stream);
    count_streams();
    if (stopping) {
      stream->end(Reason::kNone, grpc::StatusCode::UNAVAILABLE, "the controller stops");
    } else if (streams.size() > options.max_streams) {
      stream->end(Reason::kTooManyStreams, grpc::StatusCode::RESOURCE_EXHAUSTED, "try another replica");
    } else {
      stream->begin();
    }
  }

  void accepted(const std::shared_ptr<Stream>& stream) override {
    auto& current = by_node[stream->node()];
    const auto older = std::exchange(current, stream);
    if (older != nullptr)
      older->end(Reason::kReplacedByNewer, grpc::StatusCode::ABORTED, "the node has a newer stream");
    tell(stream->node(), true, nullptr);
    count_streams();
  }

  void took(const std::string& node, std::shared_ptr<const report::v1::NodeReport> report) override {
    {
      const std::lock_guard lock{mutex};
      ++counters.reports;
    }
    tell(node, true, std::move(report));
  }

  void refused(Reason reason, const std::string& node, std::string detail, const std::string& peer) override {
    {
      const std::lock_guard lock{mutex};
      ++counters.refused[reason];
    }
    if (options.on_refused) options.on_refused({reason, node, std::move(detail), peer});
  }

  void done(const std::shared_ptr<Stream>& stream) override {
    streams.erase(stream);
    const auto found = by_node.find(stream->node());
    if (found != by_node.end() && found->second == stream) {
      by_node.erase(found);
      tell(stream->node(), false, nullptr);
    }
    count_streams();
  }

  void tell(const std::string& node, bool connected, std::shared_ptr<const report::v1::NodeReport> report) {
    bool first = false;
    {
      const std::lock_guard lock{mutex};
      first = news.empty();
      auto& item = news[node];
      item.node = node;
      item.connected = connected;
      if (report != nullptr) item.report = std::move(report);
    }
    if (first) options.on_news();
  }

  void count_streams() {
    const std::lock_guard lock{mutex};
    counters.streams = streams.size();
    counters.nodes = by_node.size();
  }

  void end_all() {
    stopping = true;
    for (const auto& stream : std::set{streams}) {
      stream->end(Reason::kNone, grpc::StatusCode::UNAVAILABLE, "the controller stops");
    }
  }

  const Options options;
  CertificateStore certificates;
  // gRPC asks it at each handshake, and does not keep it alive.
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::mutex lifecycle;  // start and stop
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  std::shared_ptr<runtime::Strand> strand;

  std::set<std::shared_ptr<Stream>> streams;  // on the strand
  std::map<std::string, std::shared_ptr<Stream>> by_node;
  bool stopping = false;

  mutable std::mutex mutex;
  std::map<std::string, NodeNews> news;
  Counters counters;
};

ReportServer::ReportServer(Options options) : serving_{std::make_unique<Serving>(std::move(options))} {
  VIPRA_CHECK(serving_->options.reviewer && serving_->options.on_news);
}

ReportServer::~ReportServer() {
  stop();
}

Status ReportServer::set_certificate(const std::string& chain_pem, const std::string& key_pem) {
  constexpr const char* kBegin = "-----BEGIN ";
  if (chain_pem.find(kBegin) == std::string::npos || key_pem.find(kBegin) == std::string::npos)
    return fail(Errc::kInvalid, "certificate and key must be PEM");
  serving_->certificates.set(chain_pem, key_pem);
  return {};
}

Status ReportServer::start() {
  Serving& serving = *serving_;
  const std::lock_guard lock{serving.lifecycle};
  VIPRA_CHECK(serving.server == nullptr);
  const auto& options = serving.options;
  if (serving.certificates.empty()) return fail(Errc::kInvalid, "there is no certificate to serve with");
  serving.strand = std::make_shared<runtime::Strand>();
  serving.stopping = false;

  grpc::ServerBuilder builder;
  serving.credentials = rotating_credentials(serving.certificates);
  builder.AddListeningPort(options.address, serving.credentials, &serving.port);
  builder.RegisterService(&serving);
  builder.SetMaxReceiveMessageSize(options.max_report_bytes);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4);  // of one connection
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 32 << 10);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 30'000);  // without a stream
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, to_ms(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_ms(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 500);
  serving.server = builder.BuildAndStart();
  if (serving.server == nullptr || serving.port == 0) {
    serving.server.reset();
    serving.port = 0;
    serving.strand->stop();
    return fail(Errc::kIo, "cannot listen on " + options.address);
  }
  return {};
}

void ReportServer::stop() {
  Serving& serving = *serving_;
  const std::lock_guard lock{serving.lifecycle};
  if (serving.server == nullptr) return;
  serving.strand->post([&serving] { serving.end_all(); });
  serving.server->Shutdown(std::chrono::system_clock::now() + serving.options.shutdown_timeout);
  serving.server->Wait();
  serving.server.reset();
  serving.strand->stop();  // after the last OnDone, whose work is done before it ends
  serving.port = 0;
}

int ReportServer::port() const {
  const std::lock_guard lock{serving_->lifecycle};
  return serving_->port;
}

std::vector<NodeNews> ReportServer::take_news() {
  std::map<std::string, NodeNews> taken;
  {
    const std::lock_guard lock{serving_->mutex};
    taken.swap(serving_->news);
  }
  std::vector<NodeNews> out;
  for (auto& [name, item] : taken) out.push_back(std::move(item));
  return out;
}

ReportServer::Counters ReportServer::counters() const {
  const std::lock_guard lock{serving_->mutex};
  return serving_->counters;
}

}  // namespace vipra::collect
