// What control knows of its cluster, and tells it: VirtualIPs, Nodes, EndpointSlices from the API server;
// reports to every replica of vipra-controller. Nothing here decides anything; where the API server cannot be
// read, what was known stays, and Health says so.
//
// Threading: everything on the thread of the io_context. Callbacks never come from inside start().
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/control/cluster_facts.hpp"
#include "base/log.hpp"
#include "definitions/raw_object.hpp"
#include "kube/client.hpp"
#include "kube/kubernetes_source.hpp"
#include "kube/reflector.hpp"
#include "report/report_client.hpp"
#include "source_port/change.hpp"

namespace vipra::control {

// Where the reports go.
struct ControllerSettings {
  std::string name_space;
  std::string service;
  std::string ca_config_map;  // in the same namespace; its key is ca.crt
  std::string token_file;     // projected, for the audience vipra-controller
};

class Cluster {
 public:
  using Service = checks::ServiceBoard::Service;

  struct Settings {
    kube::Access access;
    std::string node;
    std::optional<ControllerSettings> controller;
  };
  struct Events {
    std::function<void(definitions::InputFilePtr)> definitions;
    std::function<void(const source::Health&)> definitions_health;
    std::function<void(NodesView)> nodes;
    std::function<void(const source::Health&)> nodes_health;
    std::function<void(checks::ServiceBoard::Counts)> services;
  };

  Cluster(boost::asio::io_context& io, Settings settings, const log::Logger& log, Events events);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void start();
  void stop();

  // Which Services the checks ask about: the whole truth.
  void watch_services(std::set<Service> services);
  void publish(std::shared_ptr<const report::v1::NodeReport> report);

  [[nodiscard]] std::uint64_t relists() const noexcept;
  // By resource, as far as an answer or a failure came; several watches of one count as one.
  [[nodiscard]] std::map<std::string, bool> readable() const;

 private:
  // A few Services are watched one by one; for more of them all EndpointSlices are.
  static constexpr std::size_t kMostSingleWatches = 16;

  void watch_nodes();
  void watch_controller();
  void open_service_watches();
  void on_slices();
  void on_ca();
  void note_health(const char* resource, const std::string& which, const source::Health& health);

  boost::asio::io_context& io_;
  const Settings settings_;
  const log::Logger& log_;
  Events events_;
  kube::Client client_;
  kube::VirtualIpSource virtual_ips_;
  kube::Reflector nodes_;
  std::set<Service> services_;
  std::map<Service, std::unique_ptr<kube::Reflector>> slices_;
  std::unique_ptr<kube::Reflector> controller_slices_;
  std::unique_ptr<kube::Reflector> controller_ca_;
  std::unique_ptr<report::ReportClient> reports_;
  std::map<std::string, std::map<std::string, bool>> readable_;  // by resource and watch
  std::string ca_;
  bool running_ = false;
};

}  // namespace vipra::control
