// Keeps a copy of one resource: list, watch, and again, for ever (the rules are in kube_core/reflection.hpp).
// Runs on the loop of its Client; callbacks come on that thread, never from inside start().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kube/client.hpp"
#include "kube_core/reflection.hpp"
#include "source_port/change.hpp"

namespace vipra::kube {

struct ReflectorOptions {
  Resource resource;
  std::string label_selector;
  std::string field_selector;
  Reduce reduce;  // may be empty
  ReflectionOptions reflection;
  Duration initial_limit = std::chrono::seconds{30};  // silence during initial events, then it lists instead
};

// The one object of this name: where RBAC names it, list and watch are allowed with this field selector only.
[[nodiscard]] ReflectorOptions only_object(Resource resource, std::string_view name);

class Reflector {
 public:
  using OnDelta = std::function<void(const Delta&)>;
  using OnHealth = std::function<void(const source::Health&)>;

  // `client` must outlive it.
  Reflector(boost::asio::io_context& loop, Client& client, ReflectorOptions options);
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // on_health comes when something about it changed, the first time with the first answer or failure.
  void start(OnDelta on_delta, OnHealth on_health);
  void stop();

  [[nodiscard]] const std::map<std::string, ObjectPtr, std::less<>>& objects() const noexcept;
  [[nodiscard]] bool synced() const noexcept;
  [[nodiscard]] std::uint64_t relists() const noexcept;

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace vipra::kube
