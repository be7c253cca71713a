// From what the nodes report to what kubectl shows: the statuses of all VirtualIPs, events, metrics. Pure and
// deterministic: the same input gives the same output, whatever order reports came in. It decides about
// nothing on the wire; a node that no longer reports becomes Unknown, and no VirtualIP is touched for that.
//
// A new leader begins with an empty Memory: what must last (times of transitions, rows of nodes that have not
// reported to it yet) it takes from the statuses that the objects carry.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/facts.hpp"
#include "operator/status.hpp"

namespace vipra::cluster {

struct Object {
  std::string name;
  std::string uid;
  std::int64_t generation = 0;
  std::string resource_version;
  std::vector<std::string> addresses;  // of the spec
  bool deleting = false;
  Status status;  // as the API server has it
};

struct Options {
  Duration unknown_after = std::chrono::seconds{5};  // without a stream, until a node counts as silent
  Duration silent_after = std::chrono::seconds{20};  // with one, without a report
  // Added to the longest election (misses + 1 intervals): two owners, or none, for longer are an alarm.
  Duration margin = std::chrono::seconds{2};
};

struct Event {
  std::string object;
  std::string uid;
  bool warning = false;
  Reason reason = Reason::kNone;
  std::string message;
  bool operator==(const Event&) const = default;
};

struct ObjectMetrics {
  std::string name;
  std::string owner;
  int owners = 0;  // nodes that say they are master, of the family with the most
  bool no_owner = false;
  bool two_owners = false;
  bool ready = false;
  std::uint64_t owner_changes = 0;
  bool operator==(const ObjectMetrics&) const = default;
};

struct Metrics {
  std::vector<ObjectMetrics> objects;  // by name
  int nodes_reporting = 0;
  int nodes_silent = 0;  // that still have rows
  std::uint64_t events_suppressed = 0;
  bool operator==(const Metrics&) const = default;
};

// What is carried from one call to the next. Begin with an empty one.
struct ObjectMemory {
  bool begun = false;      // what the object itself says of its status has been taken over
  Status status;           // decided last
  std::string last_owner;  // also while there is none
  // Since when it has been so, of what is an alarm only if it lasts.
  std::optional<TimePoint> no_owner, two_owners, split, address_missing;
  struct Claim {
    TimePoint first_seen{};
    bool operator==(const Claim&) const = default;
  };
  std::map<std::string, Claim> claims;            // family and node that said Master last
  std::map<std::string, TimePoint> not_yet_told;  // nodes whose control knows no state yet
  double event_tokens = 0;
  TimePoint event_refill{};
  std::uint64_t owner_changes = 0;
  bool operator==(const ObjectMemory&) const = default;
};
struct Memory {
  std::map<std::string, ObjectMemory> objects;  // by uid
  std::uint64_t events_suppressed = 0;
  bool operator==(const Memory&) const = default;
};

struct Input {
  TimePoint now{};
  std::int64_t now_unix = 0;  // seconds
  TimePoint started{};        // when this process began to listen for reports
  std::vector<Object> objects;
  std::map<std::string, NodeInput> nodes;
  // The names of the Node objects; none if they are not known (yet). A silent node that is not among them has
  // left.
  std::optional<std::set<std::string>> known_nodes;
};

struct Decision {
  std::string name;
  std::string uid;
  Status status;
};

struct Output {
  std::vector<Decision> decisions;  // for every object that is not being deleted, by name
  std::vector<Event> events;
  Metrics metrics;
  std::optional<TimePoint> next;  // when something changes though nobody reports
};

// What a replica that begins to lead keeps of the time in which it only watched: who has said Master since
// when, so that an owner that crashed meanwhile is not believed once more. Nothing that it would have
// written.
[[nodiscard]] Memory begin_to_lead(const Memory& watched);

// `memory` is brought up to date.
[[nodiscard]] Output reduce(const Input& input, const Options& options, Memory& memory);

// The body of the server-side apply to the status subresource. The uid keeps it from an object that was made
// anew, the resourceVersion (left out if empty) from one that has changed since.
[[nodiscard]] std::string apply_body(const std::string& name, const std::string& uid,
                                     const std::string& resource_version, const Status& status);

}  // namespace vipra::cluster
