// The status of a VirtualIP as a value, and as JSON in the form of api/crd/virtualip.schema.yaml. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"

namespace vipra::cluster {

// The bounds of the schema.
inline constexpr std::size_t kMaxNodeRows = 128;
inline constexpr std::size_t kMaxRouterRows = 16;
inline constexpr std::size_t kMaxMessage = 1024;
inline constexpr std::size_t kMaxAddresses = 1024;

struct RouterRow {
  Family family = Family::kIpv4;
  int virtual_router_id = 0;
  std::string owner;                  // empty: none
  std::optional<std::int64_t> since;  // Unix seconds
  std::string reason;
  bool operator==(const RouterRow&) const = default;
};

struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::int64_t observed_generation = 0;
  std::int64_t last_transition = 0;  // Unix seconds
  std::string reason;
  std::string message;
  bool operator==(const Condition&) const = default;
};

struct NodeRow {
  std::string name;
  std::string state;
  std::optional<int> priority;
  std::string reason;
  std::string message;
  std::optional<std::int64_t> last_report;  // Unix seconds; of silent nodes only
  bool operator==(const NodeRow&) const = default;
};

struct Status {
  std::string owner;
  std::optional<std::int64_t> owner_since;
  std::string state;
  std::string reason;
  std::vector<std::string> addresses;
  std::vector<RouterRow> routers;     // by family and VRID
  std::vector<Condition> conditions;  // in the order of the schema's description
  std::vector<NodeRow> nodes;         // by name
  bool operator==(const Status&) const = default;

  [[nodiscard]] const Condition* condition(std::string_view type) const;
  [[nodiscard]] const NodeRow* node(std::string_view name) const;
};

// Empty and absent values are left out, so equal statuses give equal text.
[[nodiscard]] nlohmann::json to_json(const Status& status);

// What an object carries, read for its times: anything that is not as the schema says is skipped, never an
// error.
[[nodiscard]] Status status_from_json(const nlohmann::json& status);

// Both say the same but for numbers inside of messages, which may count probes or milliseconds: not worth a
// write.
[[nodiscard]] bool same_but_for_numbers_in_messages(const Status& a, const Status& b);

// Of utc_text(): drops fractions, and takes an offset of Z only.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);

// At most `max` bytes, never a part of a UTF-8 sequence; what is cut off is shown as "...".
[[nodiscard]] std::string truncated(std::string_view text, std::size_t max);

}  // namespace vipra::cluster
