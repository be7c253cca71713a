// What the metrics page shows, as plain values: taken at one moment from what control knows, turned into
// metric families by a pure function. Counters are cumulative; times are durations until now, so that no
// clock is needed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"

namespace vipra::metrics {

struct DropCount {
  DropReason reason = DropReason::kNone;
  std::uint64_t count = 0;
};

struct TransitionCount {
  State from = State::kUnknown;
  State to = State::kUnknown;
  Reason reason = Reason::kNone;
  std::uint64_t count = 0;
};

// Counts for each bucket, not cumulative; one more count than bounds, the last one without an upper bound.
struct Histogram {
  std::vector<double> bounds_seconds;
  std::vector<std::uint64_t> counts;
  double sum_seconds = 0;
};

struct Address {
  std::string address;
  std::string virtual_ip;
  bool present = false;
};

struct Track {
  std::string name;
  std::string kind;  // "link", "gateway", "route"
  bool ok = true;    // also while nothing is known yet
};

struct Router {
  std::string id;
  std::vector<std::string> virtual_ips;  // whose addresses it carries; shown joined with ","
  Family family = Family::kIpv4;
  unsigned vrid = 0;
  std::string interface;  // empty while none is chosen
  State state = State::kUnknown;
  int base_priority = 0;
  int effective_priority = 0;
  bool fresh = true;                    // false: the agent is not connected, this is the last that it said
  double state_since_unix_seconds = 0;  // of the last change of state
  std::size_t stale_contributions = 0;
  Reason warning = Reason::kNone;  // it elects, but something wants attention
  std::uint64_t advertisements_sent = 0;
  std::uint64_t resignations_sent = 0;
  std::uint64_t advertisements_received = 0;
  std::uint64_t announcements_sent = 0;
  std::uint64_t address_restores = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t address_list_mismatches = 0;
  std::uint64_t interval_mismatches = 0;
  std::uint64_t checksum_form_mixed = 0;
  std::uint64_t conflicting_claims = 0;
  std::vector<DropCount> drops;
  std::vector<TransitionCount> transitions;
  Histogram takeovers;  // from the last advertisement of the former master to being Master
  std::vector<Address> addresses;
  std::vector<Track> tracks;
};

struct Speaker {
  std::uint64_t applied_generation = 0;
  bool realtime = false;
  bool memory_locked = false;
  std::vector<DropCount> drops;  // before a router was found
  Histogram lateness;
  std::uint64_t log_lines_dropped = 0;
  std::uint64_t stalls = 0;
  std::uint64_t packets_received = 0;
};

// One family on one interface where a router runs, and the virtual routers of others there.
struct Segment {
  std::string interface;
  Family family = Family::kIpv4;
  std::size_t foreign_routers = 0;
  std::uint64_t foreign_advertisements = 0;
  std::uint64_t foreign_advertisements_untracked = 0;
};

struct Child {
  std::string name;
  bool running = false;
  std::uint64_t starts = 0;
  Reason last_exit_reason = Reason::kNone;
};

struct Supervisor {
  std::vector<Child> children;
  std::uint64_t desired_generation = 0;
  std::uint64_t control_messages_dropped = 0;
  std::uint64_t log_lines_dropped = 0;
  std::uint64_t resignations_for_speaker = 0;
};

struct Check {
  std::string virtual_ip;
  std::string name;
  std::string kind;
  bool decided = false;
  bool passing = false;
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t discarded = 0;
  Histogram duration;
};

struct NotificationCounts {
  std::string sink;  // "fifo", "socket", "hook"
  std::uint64_t told = 0;
  std::uint64_t dropped = 0;
};

struct Control {
  std::string build;
  bool agent_connected = false;
  std::uint64_t agent_connects = 0;
  std::uint64_t built_generation = 0;
  bool source_readable = false;
  std::optional<double> definitions_age_seconds;  // since the source was last read in full
  std::size_t definitions_accepted = 0;
  std::size_t definitions_refused = 0;       // objects and files
  std::size_t definition_errors = 0;         // single mistakes in them
  std::map<std::string, bool> api_readable;  // by resource of the API server; empty outside of a cluster
  std::uint64_t api_relists = 0;
  std::vector<NotificationCounts> notifications;
  std::uint64_t log_lines_dropped = 0;
  std::uint64_t http_connections_refused = 0;
  std::uint64_t report_watchers_refused = 0;
  std::uint64_t resident_bytes = 0;
  double start_time_unix_seconds = 0;
};

struct Snapshot {
  std::string node;
  std::vector<Router> routers;
  std::vector<Segment> segments;
  std::optional<Speaker> speaker;  // not before the agent has spoken
  std::optional<Supervisor> supervisor;
  std::vector<Check> checks;
  Control control;
};

}  // namespace vipra::metrics
