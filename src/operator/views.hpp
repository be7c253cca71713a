// What is to be said of each node about one object, before anybody asks who owns it. Private to this module.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/reduce.hpp"

namespace vipra::cluster {

// What one node's newest report says of one object.
struct Said {
  const VirtualIpFact* object = nullptr;
  std::vector<const RouterFact*> routers;  // IPv4 first
};

struct Presence {
  bool known = false;  // there is a report
  bool fresh = false;  // and a stream that is alive
  bool silent = false;
  bool left = false;                  // the Node is gone, and nobody reports for it
  std::optional<TimePoint> deadline;  // when it becomes silent
};

// Built once for all objects. Borrows from `input`.
class Reports {
 public:
  Reports(const Input& input, const Options& options);

  [[nodiscard]] const std::map<std::string_view, Said>& about(std::string_view object) const;
  [[nodiscard]] Presence presence(std::string_view node) const;
  [[nodiscard]] const NodeInput* node(std::string_view name) const;
  [[nodiscard]] bool anybody_reports() const;

 private:
  [[nodiscard]] Presence judge(const std::string& name, const NodeInput* node) const;

  const Input& input_;
  const Options& options_;
  std::map<std::string_view, std::map<std::string_view, Said>> said_;
  std::map<std::string_view, Presence> presence_;
};

struct NodeView {
  // kTold: its report counts. kHeld: nothing is known yet, so what was true before still is. kSilent:
  // Unknown. kVague: it reports, but has not known a state for too long.
  enum class Kind : std::uint8_t { kTold, kHeld, kSilent, kVague };

  std::string name;
  Kind kind = Kind::kTold;
  bool fresh = false;
  TimePoint heard{};
  std::optional<std::int64_t> heard_unix;
  Said said;
  const NodeRow* before = nullptr;

  [[nodiscard]] const RouterFact* router(Family family) const;
  [[nodiscard]] const ConditionFact* condition(std::string_view type) const;
};

struct Views {
  std::vector<NodeView> nodes;         // those that take part, by name
  std::vector<NodeView> not_selected;  // those that know the object and do not
  std::optional<TimePoint> next;       // when one of them changes by itself
};

[[nodiscard]] Views views_of(const Object& object, const Status& before, const Input& input,
                             const Options& options, const Reports& reports, ObjectMemory& memory);

[[nodiscard]] NodeRow row_of(const NodeView& view);

inline void earliest(std::optional<TimePoint>& a, const std::optional<TimePoint>& b) {
  if (b && (!a || *b < *a)) a = b;
}

}  // namespace vipra::cluster
