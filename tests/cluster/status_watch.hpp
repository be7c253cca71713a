// What a person sees who runs `kubectl get vip -w`, and when.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lab/clock.hpp"
#include "lab/kube/cluster.hpp"

namespace vipra::lab::kube {

struct SeenStatus {
  TimePoint at{};
  std::string name;
  nlohmann::json status;
};

// One kubectl, for as long as the API server lives. Thread-safe.
class StatusWatch {
 public:
  using Matches = std::function<bool(const nlohmann::json& status)>;

  explicit StatusWatch(Cluster& cluster);
  ~StatusWatch();
  StatusWatch(const StatusWatch&) = delete;
  StatusWatch& operator=(const StatusWatch&) = delete;

  // When the object's status was first seen so at or after `since`; or what was seen instead, in words.
  [[nodiscard]] Result<TimePoint> wait_for(const std::string& name, TimePoint since, const Matches& matches,
                                           Duration within) const;
  [[nodiscard]] std::vector<SeenStatus> seen() const;

 private:
  void follow(const std::atomic<bool>& stop);

  std::filesystem::path file_;
  Child kubectl_;
  mutable std::mutex mutex_;
  std::vector<SeenStatus> seen_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

[[nodiscard]] StatusWatch::Matches owned_by(std::string node);

}  // namespace vipra::lab::kube
