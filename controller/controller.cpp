#include "controller/controller.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "controller/metrics_page.hpp"
#include "controller/report_facts.hpp"
#include "controller/token_review.hpp"
#include "kube/health_log.hpp"
#include "kube/kubernetes_source.hpp"
#include "metrics/families.hpp"
#include "runtime/clock.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kCoalesce = 50ms;  // many nodes report every few seconds
constexpr Duration kStopPatience = 3s;
// A node that left, and whose stream is gone, is forgotten after so long.
constexpr Duration kForget = 10min;

kube::ReflectorOptions virtual_ips_options() {
  kube::ReflectorOptions out;
  out.resource = kube::virtual_ips();
  return out;
}

kube::ReflectorOptions nodes_options() {
  kube::ReflectorOptions out;
  out.resource = kube::nodes();
  out.reduce = kube::keep_node_facts;
  return out;
}

kube::LeaseOptions lease_options(const Options& options) {
  kube::LeaseOptions out;
  out.name_space = options.name_space;
  out.name = options.lease_name;
  out.identity = options.identity;
  return out;
}

CertificateKeeper::Options certificate_options(const Options& options) {
  CertificateKeeper::Options out;
  out.name_space = options.name_space;
  out.secret = options.tls_secret;
  out.config_map = options.ca_config_map;
  out.dns_name = options.dns_name();
  return out;
}

metrics::HttpServer::Options http_options(const Settings& settings) {
  metrics::HttpServer::Options out;
  out.listen = settings.metrics;
  return out;
}

std::int64_t unix_seconds() {
  return runtime::unix_now_ns() / 1'000'000'000;
}

}  // namespace

Result<Settings> understand(const Options& options) {
  Settings out;
  out.options = options;
  auto metrics = metrics::parse_listen_address(options.metrics);
  if (!metrics) return fail(Errc::kInvalid, "--metrics: " + metrics.error().what);
  out.metrics = std::move(*metrics);
  auto access = kube::find_access(options.kubeconfig, options.api_endpoints);
  if (!access) return tl::unexpected{std::move(access).error()};
  out.access = std::move(*access);
  return out;
}

Controller::Controller(boost::asio::io_context& io, Settings settings, const log::Logger& log)
    : io_{io},
      settings_{std::move(settings)},
      log_{log},
      build_{VIPRA_VERSION},
      client_{io, settings_.access},
      virtual_ips_{io, client_, virtual_ips_options()},
      nodes_{io, client_, nodes_options()},
      lease_{io, client_, lease_options(settings_.options), log_},
      certificate_{io, client_, certificate_options(settings_.options), log_,
                   [this](const auto& chain, const auto& key) { on_certificate(chain, key); }},
      reports_{[this] {
        collect::ReportServer::Options out;
        out.address = settings_.options.listen;
        out.audience = settings_.options.audience;
        out.username = settings_.options.agent_user();
        out.reviewer = make_token_reviewer(io_, client_, settings_.options.audience);
        // On gRPC's threads: one post for any number of them.
        out.on_news = [this] {
          if (!news_posted_.exchange(true)) boost::asio::post(io_, [this] { on_news(); });
        };
        out.on_refused = [this](const collect::RefusedReport& refused) {
          boost::asio::post(io_, [this, refused] { on_refused(refused); });
        };
        return out;
      }()},
      writer_{io, client_, lease_, settings_.options.identity, log_},
      http_{io, http_options(settings_), log_},
      reduce_timer_{io},
      reports_timer_{io},
      stop_timer_{io} {}

Controller::~Controller() {
  reports_.stop();  // its threads post to this object
}

void Controller::start() {
  started_ = runtime::now().mono;
  log_.info("controller.started", {{"version", build_},
                                   {"pid", ::getpid()},
                                   {"namespace", settings_.options.name_space},
                                   {"identity", lease_.identity()},
                                   {"server", client_.server()}});
  virtual_ips_.start([this](const kube::Delta& delta) { on_objects(delta); },
                     [this](const source::Health& health) { note_health("virtualips", health); });
  nodes_.start([this](const kube::Delta&) { on_nodes(); },
               [this](const source::Health& health) { note_health("nodes", health); });
  certificate_.start();
  lease_.start({[this] { on_leading(); }, [this] { on_lost(); }});
  add_pages();
  http_.start();
}

void Controller::stop() {
  if (std::exchange(stopped_, true)) return;
  log_.info("controller.stopping", {});
  writer_.end();
  virtual_ips_.stop();
  nodes_.stop();
  certificate_.stop();
  http_.stop();
  reduce_timer_.cancel();
  reports_timer_.cancel();
  reports_.stop();
  stop_timer_.expires_after(kStopPatience);
  stop_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) io_.stop();
  });
  lease_.stop([this] { stop_timer_.cancel(); });
}

void Controller::on_objects(const kube::Delta& delta) {
  const auto take = [this](const kube::ObjectPtr& object) { writer_.observed(objects_.set(object)); };
  if (delta.first) {
    for (const auto& object : *delta.first) take(object);
  }
  for (const auto& object : delta.upserted) take(object);
  for (const auto& key : delta.removed) writer_.gone(objects_.remove(key));
  reduce_within(kCoalesce);
}

void Controller::on_nodes() {
  std::set<std::string> names;
  for (const auto& [key, object] : nodes_.objects()) names.insert(object->name);
  known_nodes_ = std::move(names);
  reduce_within(kCoalesce);
}

void Controller::on_certificate(const std::string& chain, const std::string& key) {
  if (const auto set = reports_.set_certificate(chain, key); !set) {
    log_.error("certificate.unusable", {{"error", set.error().what}});
    return;
  }
  if (!serving_) start_reports();
}

void Controller::start_reports() {
  if (stopped_) return;
  const auto started = reports_.start();
  if (started) {
    serving_ = true;
    log_.info("reports.listening", {{"address", settings_.options.listen}});
    return;
  }
  log_.error("reports.bind_failed", {{"address", settings_.options.listen},
                                     {"error", started.error().what},
                                     {"consequence", "no report is taken; trying again"}});
  reports_timer_.expires_after(reports_backoff_.next(0.5));
  reports_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) start_reports();
  });
}

void Controller::on_news() {
  news_posted_.store(false);
  if (stopped_) return;
  const auto now = runtime::now().mono;
  for (auto& news : reports_.take_news()) {
    auto [found, is_new] = heard_.try_emplace(news.node);
    auto& node = found->second;
    if (is_new || node.connected != news.connected) {
      node.connected = news.connected;
      node.changed = now;
      log_.info(news.connected ? "node.connected" : "node.disconnected", {{"node", news.node}});
    }
    if (!news.report) continue;
    node.facts = std::make_shared<const cluster::NodeFacts>(facts_of(*news.report));
    node.heard = now;
    node.heard_unix = unix_seconds();
  }
  reduce_within(kCoalesce);
}

void Controller::on_refused(const collect::RefusedReport& refused) {
  log_.warning("report.refused", {{"reason", to_string(refused.reason)},
                                  {"node", refused.node},
                                  {"peer", refused.peer},
                                  {"detail", refused.detail}});
}

void Controller::on_leading() {
  log_.info("controller.leading", {{"identity", lease_.identity()}});
  // What must last is in the objects; what this replica thought while it did not lead was never written.
  memory_ = cluster::begin_to_lead(memory_);
  writer_.begin(objects_.all());
  reduce_within(Duration::zero());
}

void Controller::on_lost() {
  log_.warning("controller.not_leading", {{"holder", lease_.holder()}});
  writer_.end();
}

void Controller::reduce_within(Duration delay) {
  const auto due = runtime::now().mono + delay;
  if (stopped_ || (reduce_due_ && *reduce_due_ <= due)) return;
  reduce_due_ = due;
  reduce_timer_.expires_after(delay);
  reduce_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    reduce_due_.reset();
    reduce();
  });
}

void Controller::reduce() {
  if (!virtual_ips_.synced()) return;
  const auto now = runtime::now().mono;
  std::erase_if(heard_, [&](const auto& entry) {
    const auto& node = entry.second;
    return !node.connected && now - node.changed > kForget && known_nodes_ &&
           !known_nodes_->contains(entry.first);
  });
  cluster::Input input;
  input.now = now;
  input.now_unix = unix_seconds();
  input.started = started_;
  input.objects = objects_.all();
  input.nodes = heard_;
  input.known_nodes = known_nodes_;
  auto output = cluster::reduce(input, {}, memory_);
  last_ = std::move(output.metrics);
  writer_.say(output.events);
  writer_.wanted(output.decisions);
  if (output.next) reduce_within(std::max(*output.next - runtime::now().mono, Duration{1ms}));
}

std::string Controller::why_not_ready() const {
  if (!virtual_ips_.synced()) return "the VirtualIPs have not been read yet";
  if (!serving_) return "there is no serving certificate yet";
  return {};
}

void Controller::add_pages() {
  http_.add_page("/livez", [] { return metrics::HttpAnswer{200, "ok\n"}; });
  http_.add_page("/readyz", [this] {
    const auto why = why_not_ready();
    return metrics::HttpAnswer{why.empty() ? 200U : 503U, why.empty() ? "ok\n" : why + "\n"};
  });
  http_.add_page("/metrics",
                 [this] { return metrics::HttpAnswer{200, metrics_page(), metrics::kTextFormat}; });
}

std::string Controller::metrics_page() const {
  PageFacts facts;
  facts.build = build_;
  facts.leading = lease_.leading();
  facts.cluster = last_;
  facts.reports = reports_.counters();
  facts.writes = writer_.counters();
  facts.certificate_not_after_unix = certificate_.not_after_unix();
  facts.api_readable = readable_;
  facts.relists = virtual_ips_.relists() + nodes_.relists();
  return render(facts);
}

void Controller::note_health(const char* resource, const source::Health& health) {
  readable_[resource] = health.readable;
  kube::log_health(log_, resource, client_.server(), health);
}

}  // namespace vipra::controller
