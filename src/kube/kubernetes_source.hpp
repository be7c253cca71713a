// The API server as a source: VirtualIPs as one large file of definitions. Other resources are read with a
// Reflector; what of them is kept is said here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "definitions/raw_object.hpp"
#include "kube/reflector.hpp"
#include "source_port/change.hpp"

namespace vipra::kube {

inline constexpr const char* kDefinitionsFile = "kubernetes";

[[nodiscard]] Resource virtual_ips();  // vipra.dev/v1alpha1, cluster-scoped
[[nodiscard]] Resource nodes();
[[nodiscard]] Resource endpoint_slices(std::string name_space = {});

// What of each kind is kept.
void keep_definition(nlohmann::json& virtual_ip);  // all but status and kubectl's annotation
void keep_node_facts(nlohmann::json& node);        // name, uid, labels, status.addresses
void keep_endpoints(nlohmann::json& slice);  // name, namespace, uid, labels, addressType, endpoints, ports

// Always Replaced with one file named "kubernetes", whose objects have the origin "kubernetes/NAME". Yields
// when something but a status changed, many changes at once as one.
class VirtualIpSource final : public source::Source<definitions::InputFilePtr> {
 public:
  VirtualIpSource(boost::asio::io_context& loop, Client& client,
                  Duration settle = std::chrono::milliseconds{5});
  ~VirtualIpSource() override;
  VirtualIpSource(const VirtualIpSource&) = delete;
  VirtualIpSource& operator=(const VirtualIpSource&) = delete;

  void start(OnChange on_change, OnHealth on_health) override;
  void stop() override;

  [[nodiscard]] std::uint64_t relists() const noexcept;

  // Stands for the file until the API server has been read: what came from it in an earlier run is not gone.
  [[nodiscard]] static definitions::InputFilePtr unread();

 private:
  class Collector;
  std::shared_ptr<Collector> collector_;
};

}  // namespace vipra::kube
