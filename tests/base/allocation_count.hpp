// For tests of code that promises to leave the heap alone. A test binary that lists allocation_count.cpp
// among its sources has its operator new replaced by one that counts, on every thread.
#pragma once

#include <cstddef>

namespace vipra::testing_support {

[[nodiscard]] std::size_t allocations() noexcept;

template <class Work>
[[nodiscard]] std::size_t allocations_in(Work work) {
  const auto before = allocations();
  work();
  return allocations() - before;
}

}  // namespace vipra::testing_support
