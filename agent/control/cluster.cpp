#include "agent/control/cluster.hpp"

#include <algorithm>
#include <utility>

#include "channel/protocol.hpp"
#include "kube/health_log.hpp"
#include "kube_core/json_access.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::control {
namespace {

constexpr const char* kServiceNameSelector = "kubernetes.io/service-name=";
constexpr const char* kControllerWatch = "controller";  // no namespace/name of a Service
constexpr const char* kCaKey = "ca.crt";
const checks::ServiceBoard::Service kEveryService{};

std::string watch_name(const checks::ServiceBoard::Service& service) {
  return service.first + "/" + service.second;
}

kube::ReflectorOptions nodes_options() {
  kube::ReflectorOptions out;
  out.resource = kube::nodes();
  out.reduce = kube::keep_node_facts;
  return out;
}

kube::ReflectorOptions slices_options(const std::string& name_space, const std::string& service) {
  kube::ReflectorOptions out;
  out.resource = kube::endpoint_slices(name_space);
  out.reduce = kube::keep_endpoints;
  if (!service.empty()) out.label_selector = kServiceNameSelector + service;
  return out;
}

report::ReportClient::Options report_options(const ControllerSettings& controller, const log::Logger& log) {
  report::ReportClient::Options out;
  out.server_name = controller.service + "." + controller.name_space + ".svc";
  out.token_file = controller.token_file;
  out.on_change = [&log](const std::string& endpoint, const Status& status) {
    if (status) {
      log.info("controller.connected", {{"endpoint", endpoint}});
    } else {
      log.warning("controller.unreachable",
                  {{"endpoint", endpoint},
                   {"error", status.error().what},
                   {"consequence", "the status in the cluster may be old; no VIP is concerned"}});
    }
  };
  return out;
}

}  // namespace

Cluster::Cluster(boost::asio::io_context& io, Settings settings, const log::Logger& log, Events events)
    : io_{io},
      settings_{std::move(settings)},
      log_{log},
      events_{std::move(events)},
      client_{io, settings_.access},
      virtual_ips_{io, client_},
      nodes_{io, client_, nodes_options()} {}

Cluster::~Cluster() {
  stop();
}

void Cluster::start() {
  running_ = true;
  virtual_ips_.start(
      [this](source::Change<definitions::InputFilePtr> change) {
        auto* files = std::get_if<source::Replaced<definitions::InputFilePtr>>(&change);
        if (files != nullptr && !files->all.empty()) events_.definitions(std::move(files->all.front()));
      },
      [this](const source::Health& health) {
        note_health("virtualips", "", health);
        events_.definitions_health(health);
      });
  nodes_.start(
      [this](const kube::Delta&) {
        events_.nodes(nodes_view(nodes_.objects(), settings_.node, channel::kMaxPeers));
      },
      [this](const source::Health& health) {
        note_health("nodes", "", health);
        events_.nodes_health(health);
      });
  open_service_watches();
  if (settings_.controller) watch_controller();
}

void Cluster::stop() {
  if (!std::exchange(running_, false)) return;
  virtual_ips_.stop();
  nodes_.stop();
  slices_.clear();
  controller_slices_.reset();
  controller_ca_.reset();
  if (reports_) reports_->stop();
}

void Cluster::watch_services(std::set<Service> services) {
  if (services == services_) return;
  services_ = std::move(services);
  if (running_) open_service_watches();
}

// Watches that stay wanted go on: nothing is read anew because another check came or went.
void Cluster::open_service_watches() {
  std::set<Service> wanted = services_;
  if (wanted.size() > kMostSingleWatches) wanted = {kEveryService};
  auto& readable = readable_["endpointslices"];
  std::erase_if(slices_, [&](const auto& entry) {
    const bool unwanted = !wanted.contains(entry.first);
    if (unwanted) readable.erase(watch_name(entry.first));
    return unwanted;
  });
  for (const auto& service : wanted) {
    auto& reflector = slices_[service];
    if (reflector) continue;
    reflector =
        std::make_unique<kube::Reflector>(io_, client_, slices_options(service.first, service.second));
    reflector->start([this](const kube::Delta&) { on_slices(); },
                     [this, which = watch_name(service)](const source::Health& health) {
                       note_health("endpointslices", which, health);
                     });
  }
  if (!slices_.empty()) on_slices();  // one that was not read yet may have gone
}

void Cluster::on_slices() {
  Objects all;
  for (const auto& [service, reflector] : slices_) {
    // Until every one has been read, what is missing would look like no endpoints.
    if (!reflector->synced()) return;
    all.insert(reflector->objects().begin(), reflector->objects().end());
  }
  events_.services(ready_endpoints(all, settings_.node));
}

void Cluster::watch_controller() {
  const auto& controller = *settings_.controller;
  reports_ = std::make_unique<report::ReportClient>(report_options(controller, log_));
  controller_slices_ = std::make_unique<kube::Reflector>(
      io_, client_, slices_options(controller.name_space, controller.service));
  controller_slices_->start(
      [this](const kube::Delta&) {
        if (auto set = reports_->set_endpoints(dial_addresses(controller_slices_->objects())); !set) {
          log_.warning("controller.endpoints_refused", {{"error", set.error().what}});
        }
      },
      [this](const source::Health& health) { note_health("endpointslices", kControllerWatch, health); });
  controller_ca_ = std::make_unique<kube::Reflector>(
      io_, client_,
      kube::only_object({"", "v1", "configmaps", controller.name_space}, controller.ca_config_map));
  controller_ca_->start([this](const kube::Delta&) { on_ca(); },
                        [this](const source::Health& health) { note_health("configmaps", "", health); });
}

void Cluster::on_ca() {
  for (const auto& [key, object] : controller_ca_->objects()) {
    auto pem = kube::text(kube::member(object->json, "data"), kCaKey);
    if (pem.empty() || pem == ca_) continue;
    ca_ = std::move(pem);
    log_.info("controller.ca_loaded", {{"config_map", key}});
    reports_->set_ca(ca_);
  }
}

void Cluster::publish(std::shared_ptr<const report::v1::NodeReport> report) {
  if (reports_) reports_->publish(std::move(report));
}

std::uint64_t Cluster::relists() const noexcept {
  std::uint64_t out = virtual_ips_.relists() + nodes_.relists();
  for (const auto& [service, reflector] : slices_) out += reflector->relists();
  return out;
}

std::map<std::string, bool> Cluster::readable() const {
  std::map<std::string, bool> out;
  for (const auto& [resource, watches] : readable_) {
    if (watches.empty()) continue;
    out[resource] =
        std::all_of(watches.begin(), watches.end(), [](const auto& watch) { return watch.second; });
  }
  return out;
}

void Cluster::note_health(const char* resource, const std::string& which, const source::Health& health) {
  readable_[resource][which] = health.readable;
  kube::log_health(log_, resource, client_.server(), health);
}

}  // namespace vipra::control
