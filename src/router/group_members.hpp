// What the members of a group say to the router that leads it. A group is served by one node as a whole, or
// not: a member in Fault takes the lead with it, and so does one whose segment has a better master for longer
// than a move of the group takes (a cut that only the lead's segment has). Pure; one thread; allocates only
// when a member is new, or its fault.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/reason.hpp"
#include "base/time.hpp"

namespace vipra::router {

// What a member is to its lead.
struct MemberState {
  // Its own, in words with its name; empty: none.
  std::string fault;
  // Another node was heard within its Active_Down_Interval that wins its election. In a healthy group that is
  // so wherever the lead is no master, and for that long after a move.
  bool beaten = false;
  // Its Active_Down_Interval; the lead makes of it how long a move may leave it so.
  Duration patience{};
  bool operator==(const MemberState&) const = default;
};

class GroupMembers {
 public:
  using Member = std::uint32_t;  // RouterIndex

  // Keeps those that are listed (sorted), forgets the others.
  void keep(const std::vector<Member>& members);
  // False: nothing new.
  bool set(Member member, const MemberState& state);
  // Once after every change and at each deadline. `stands`: the lead is Master. `hears`: the lead is Backup
  // and hears a better master on its own segment, which is then the one to decide.
  void judge(TimePoint now, bool stands, bool hears);

  // The first member's, in words; empty: none has one.
  [[nodiscard]] const std::string& fault() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  // False while a member is beaten that was so for longer than its patience beside a lead that stood.
  [[nodiscard]] bool may_stand() const noexcept { return may_stand_; }
  [[nodiscard]] std::optional<TimePoint> deadline() const noexcept { return deadline_; }

 private:
  struct Entry {
    Member member = 0;
    MemberState state;
    std::optional<TimePoint> beaten_since;  // beside a lead that stands
  };

  std::vector<Entry> entries_;
  bool may_stand_ = true;
  std::optional<TimePoint> deadline_;
};

}  // namespace vipra::router
