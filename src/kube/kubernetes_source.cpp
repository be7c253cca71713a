#include "kube/kubernetes_source.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <initializer_list>
#include <utility>

namespace vipra::kube {
namespace {

using Json = nlohmann::json;
using definitions::InputFile;
using definitions::InputFilePtr;
using source::Replaced;

// `from` with these members only; anything but an object stays as it is.
void keep_only(Json& from, std::initializer_list<const char*> members) {
  if (!from.is_object()) return;
  auto kept = Json::object();
  for (const auto* member : members) {
    if (const auto found = from.find(member); found != from.end()) kept[member] = std::move(*found);
  }
  from = std::move(kept);
}

ReflectorOptions of_virtual_ips() {
  ReflectorOptions out;
  out.resource = virtual_ips();
  out.reduce = keep_definition;
  return out;
}

}  // namespace

Resource virtual_ips() {
  return {"vipra.dev", "v1alpha1", "virtualips", {}};
}
Resource nodes() {
  return {{}, "v1", "nodes", {}};
}
Resource endpoint_slices(std::string name_space) {
  return {"discovery.k8s.io", "v1", "endpointslices", std::move(name_space)};
}

void keep_definition(Json& virtual_ip) {
  virtual_ip.erase("status");
  auto& metadata = virtual_ip["metadata"];
  const auto annotations = metadata.find("annotations");
  if (annotations == metadata.end() || !annotations->is_object()) return;
  annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
  if (annotations->empty()) metadata.erase("annotations");
}

void keep_node_facts(Json& node) {
  keep_only(node, {"apiVersion", "kind", "metadata", "status"});
  keep_only(node["metadata"], {"name", "uid", "labels"});
  if (node.contains("status")) keep_only(node["status"], {"addresses"});
}

void keep_endpoints(Json& slice) {
  keep_only(slice, {"apiVersion", "kind", "metadata", "addressType", "endpoints", "ports"});
  keep_only(slice["metadata"], {"name", "namespace", "uid", "labels"});
}

class VirtualIpSource::Collector : public std::enable_shared_from_this<Collector> {
 public:
  Collector(boost::asio::io_context& loop, Client& client, Duration settle)
      : reflector_{loop, client, of_virtual_ips()}, settle_{settle}, timer_{loop} {}

  void start(OnChange on_change, OnHealth on_health) {
    on_change_ = std::move(on_change);
    reflector_.start([this](const Delta&) { yield_soon(); }, std::move(on_health));
  }
  void stop() {
    on_change_ = nullptr;
    reflector_.stop();
    timer_.cancel();
  }
  [[nodiscard]] std::uint64_t relists() const noexcept { return reflector_.relists(); }

 private:
  void yield_soon() {
    if (std::exchange(due_, true)) return;
    timer_.expires_after(settle_);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      self->due_ = false;
      if (error) return;
      if (const auto on_change = self->on_change_) on_change(Replaced<InputFilePtr>{{self->file()}});
    });
  }

  [[nodiscard]] InputFilePtr file() const {
    auto out = std::make_shared<InputFile>();
    out->name = kDefinitionsFile;
    out->objects.reserve(reflector_.objects().size());
    for (const auto& [key, object] : reflector_.objects()) {
      out->objects.push_back({object->json, out->name, std::string{kDefinitionsFile} + "/" + object->name});
    }
    return out;
  }

  Reflector reflector_;
  const Duration settle_;
  boost::asio::steady_timer timer_;
  OnChange on_change_;
  bool due_ = false;
};

VirtualIpSource::VirtualIpSource(boost::asio::io_context& loop, Client& client, Duration settle)
    : collector_{std::make_shared<Collector>(loop, client, settle)} {}
VirtualIpSource::~VirtualIpSource() {
  collector_->stop();
}
void VirtualIpSource::start(OnChange on_change, OnHealth on_health) {
  collector_->start(std::move(on_change), std::move(on_health));
}
void VirtualIpSource::stop() {
  collector_->stop();
}
std::uint64_t VirtualIpSource::relists() const noexcept {
  return collector_->relists();
}
InputFilePtr VirtualIpSource::unread() {
  auto out = std::make_shared<InputFile>();
  out->name = kDefinitionsFile;
  out->complete = false;
  return out;
}

}  // namespace vipra::kube
