#pragma once

#include <cstddef>

namespace vipra::net {

// How often the calling thread has called operator new.
[[nodiscard]] std::size_t allocation_count() noexcept;

}  // namespace vipra::net
