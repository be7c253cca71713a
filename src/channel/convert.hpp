// Plan values <-> wire. Reading judges every field: whoever gets a value from here may rely on what
// plan/desired_state.hpp promises (sorted unique ids, existing leads, priorities 1-255, unique addresses of
// one family). What does not hold is an error that names the router and the field, never a crash.
//
// Readers work through the bytes router by router and hold one router's message at a time, so that a hostile
// memory file costs no more memory than the plan it describes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/reason.hpp"
#include "base/result.hpp"
#include "plan/desired_state.hpp"
#include "sys/unique_fd.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::channel {

// ---- desired state ----
[[nodiscard]] v1::DesiredState to_proto(const plan::DesiredState& state);
[[nodiscard]] Result<plan::DesiredState> read_desired_state(std::span<const std::uint8_t> bytes);

struct DesiredStateSummary {
  std::uint64_t generation = 0;
  std::string node;
  std::size_t routers = 0;
};
// The same judgement without building the plan: the supervisor's, before it replaces the last good state.
[[nodiscard]] Result<DesiredStateSummary> check_desired_state(std::span<const std::uint8_t> bytes);

// A memory file and what to say about it, ready to send.
struct DesiredStateFile {
  sys::UniqueFd fd;
  v1::DesiredStateRef ref;
};
[[nodiscard]] Result<DesiredStateFile> make_desired_state_file(const plan::DesiredState& state);
// Maps, checks and reads what `ref` describes; fails if the generation inside differs.
[[nodiscard]] Result<plan::DesiredState> read_desired_state_file(int fd, const v1::DesiredStateRef& ref);

// ---- contributions ----
[[nodiscard]] v1::Contribution to_proto(const plan::Contribution& contribution);
[[nodiscard]] Result<plan::Contribution> from_proto(const v1::Contribution& contribution);
// Sorted by consumer and source; a pair that occurs twice is an error.
[[nodiscard]] Result<std::vector<plan::Contribution>> read_contribution_set(
    std::span<const std::uint8_t> bytes);

struct ContributionSetFile {
  sys::UniqueFd fd;
  v1::ContributionSetRef ref;
};
[[nodiscard]] Result<ContributionSetFile> make_contribution_set_file(
    const std::vector<plan::Contribution>& contributions);
[[nodiscard]] Result<std::vector<plan::Contribution>> read_contribution_set_file(
    int fd, const v1::ContributionSetRef& ref);

struct ContributionKey {
  std::string consumer;
  std::string source;
  auto operator<=>(const ContributionKey&) const = default;
};
struct ContributionChanges {
  std::vector<plan::Contribution> upserts;
  std::vector<ContributionKey> removals;
};
[[nodiscard]] Result<ContributionChanges> from_proto(const v1::ContributionDelta& delta);

// ---- enums and addresses: the same numbers on both sides ----
[[nodiscard]] reason::v1::State to_proto(State state) noexcept;
[[nodiscard]] reason::v1::Reason to_proto(Reason reason) noexcept;
[[nodiscard]] reason::v1::DropReason to_proto(DropReason reason) noexcept;
// A number that this build does not know becomes kUnknown or kNone.
[[nodiscard]] State from_proto(reason::v1::State state) noexcept;
[[nodiscard]] Reason from_proto(reason::v1::Reason reason) noexcept;
[[nodiscard]] DropReason from_proto(reason::v1::DropReason reason) noexcept;
[[nodiscard]] std::string to_wire(const IpAddress& ip);

}  // namespace vipra::channel
