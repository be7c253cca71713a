// What this process arranges for itself, and what it can tell about itself.
#pragma once

#include <cstdint>

namespace vipra::control {

// The soft limit of open files up to the hard one (at most 65,536): each running check holds one.
void raise_file_limit() noexcept;
// Two malloc arenas instead of eight for each core: the threads of gRPC allocate little, and memory counts.
void limit_malloc_arenas() noexcept;
// 0 where it cannot be read.
[[nodiscard]] std::uint64_t resident_bytes() noexcept;

}  // namespace vipra::control
