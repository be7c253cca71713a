// The invariants, I1 to I15, each a check of its own with its bound. d is the greatest delay and J the
// greatest lateness of the scenario without faults; A, SK and ADI are RFC 9568's interval, Skew_Time and
// Active_Down_Interval, with `misses` in the place of its 3. Every bound allows two clocks 400 ppm apart.
//
//   I1   One master       At rest, of two masters none hears the better one, and in a segment where everybody
//   hears
//                         everybody there is exactly one; with preemption no Backup is better than the master
//                         it hears; nobody changes between Backup and Master.
//   I2   Crash            The next master in [(misses-1) A + SK - d - 3J, misses A + SK + d + 3J], SK of the
//   best
//                         Backup.
//   I3   Planned move     The next master within SK + d + 3J of a resignation (1 ms more for each that is
//   lost), and
//                         every address in some kernel all the while.
//   I4   Heal             Two masters for min(A) + 2d + 3J at most, never none.
//   I5   Separation       One promotion after a crash where the two best differ by more than d + 3J in SK.
//   I6   Convergence      At rest everybody stands who can, and every Backup hears a master. Rest is 2 ADI +
//   2 (d + J)
//                         after the last fault (a Delayed preemption adds its delay and one ADI), as many
//                         times over as there are nodes where a one-way cut makes one decision wait for
//                         another.
//   I7   Preemption       Never: nobody displaces the master by joining, leaving or improving; Delayed: not
//   before the
//                         delay; any policy: a master that fell below a Backup is replaced within A + SK + d
//                         + 3J.
//   I8   Lead             After every turn: a follower is Master only beside its lead, and the lead of a
//   group
//                         beside no member in Fault. At rest: if and only if; and where the member's segment
//                         is whole, exactly one node has a group, however its lead's segment is cut.
//   I9   Flaps            Under loss alone, no more promotions than silences of `misses` advertisements.
//   I10  Emission         Advertisements of a master: one an interval, and one for each that it heard, once
//                         for all its copies (version 2: for each resignation), at most kMostInAnInterval in
//                         any interval. A losing one is answered in the same turn. Priority 0: three times,
//                         and the supervisor's three.
//   I11  Kernel truth     A Master has its addresses, a Backup has none (beyond its hold), within
//   kKernelSettles;
//                         nobody announces what it has not; a hold ends 10 ms after the taker's announcement.
//   I12  Last word        After two masters met, or a stranger's claim, the last announcement of every
//   address that was
//                         sent towards every port is the master's, within kAnnouncementsAtRest.
//   I13  Determinism      The runner's: the same seed, the same hash.
//   I14  One way          With two ways, one that is silent raises OneWayMulticast within 2 ADI at whom it
//                         concerns, ends with it, and moves nothing.
//   I15  Patience         Nobody takes over from a better master whom it heard less than misses - 1 of his
//                         intervals ago, and who has not resigned.
//   Stall                 A master whose last advertisement is older than its peers wait, or its heir,
//   listens first.
//
// Against the published bounds (vrrp.md 4.2): J counts three times, because a node is late when it reads,
// when it is woken by its deadline and when it sends. I4 names no bound without the reply to a losing
// advertisement: there is always one in version 3. I9's damping is not built, so that its count of 4 in 180 s
// is not asked for.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/observer.hpp"

namespace vipra::sim {

// Two regular ones at the edges, the replies of two windows, the promotion and the last word.
inline constexpr int kMostInAnInterval = 12;
// A handful of commands one after the other, a dump, and the notices of them.
inline constexpr Duration kKernelSettles = std::chrono::milliseconds{15};

using Observers = std::vector<std::unique_ptr<Observer>>;
[[nodiscard]] Observers make_invariants(World& world);

// By subject.
void add_election_invariants(World& world, Observers& to);      // I1 I6 I7 I9
void add_takeover_invariants(World& world, Observers& to);      // I2 I3 I4 I5
void add_family_invariants(World& world, Observers& to);        // I8
void add_emission_invariants(World& world, Observers& to);      // I10, Stall
void add_data_plane_invariants(World& world, Observers& to);    // I11
void add_announcement_invariants(World& world, Observers& to);  // I12
void add_path_invariants(World& world, Observers& to);          // I14
void add_patience_invariants(World& world, Observers& to);      // I15

// What two clocks can differ by, measured over `duration`.
[[nodiscard]] inline Duration drift(Duration duration) {
  return duration / 1000 + std::chrono::microseconds{1};
}

}  // namespace vipra::sim
