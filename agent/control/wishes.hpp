// The wishes that are in force on this node, and the contributions that they are to its routers. Pure: the
// wall clock is an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/desired_state.hpp"
#include "plan/wish.hpp"

namespace vipra::control {

// Switchovers of more VirtualIPs than that at a time are refused: it is maintenance then.
inline constexpr std::size_t kMaxWishes = 1024;

class Wishes {
 public:
  explicit Wishes(std::vector<plan::Wish> kept = {}) : all_{std::move(kept)} {}

  // Takes the place of the one about the same VirtualIP. False: too many.
  bool set(plan::Wish wish);
  // False: there was none.
  bool end(std::string_view virtual_ip);
  // Ends those whose time has passed, and returns them.
  std::vector<plan::Wish> expire(std::int64_t now_unix_ns);

  [[nodiscard]] const std::vector<plan::Wish>& all() const noexcept { return all_; }
  [[nodiscard]] const plan::Wish* maintenance() const noexcept { return find({}); }
  [[nodiscard]] std::optional<std::int64_t> next_end_unix_ns() const noexcept;
  [[nodiscard]] std::vector<plan::Contribution> contributions(const plan::DesiredState& state) const;

 private:
  [[nodiscard]] const plan::Wish* find(std::string_view virtual_ip) const noexcept;

  std::vector<plan::Wish> all_;
};

}  // namespace vipra::control
