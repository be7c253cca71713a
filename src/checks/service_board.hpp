// What is known of the endpoints of Services: written by whoever watches EndpointSlices, read by the probes
// of kind service. Bookkeeping; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace vipra::checks {

struct ReadyEndpoints {
  int on_node = 0;
  int in_cluster = 0;
  bool operator==(const ReadyEndpoints&) const = default;
};

class ServiceBoard {
 public:
  // Namespace and name.
  using Service = std::pair<std::string, std::string>;
  using Counts = std::map<Service, ReadyEndpoints>;

  // The whole truth. A Service that is not named has no endpoints.
  void replace(Counts counts) { counts_ = std::move(counts); }

  // Nothing before the first replace(): a check that knows nothing says nothing.
  [[nodiscard]] std::optional<ReadyEndpoints> find(const Service& service) const {
    if (!counts_) return std::nullopt;
    const auto found = counts_->find(service);
    return found == counts_->end() ? ReadyEndpoints{} : found->second;
  }
  [[nodiscard]] const std::optional<Counts>& counts() const noexcept { return counts_; }

 private:
  std::optional<Counts> counts_;
};

}  // namespace vipra::checks
