#include "agent/control/wishes.hpp"

#include <algorithm>

#include "base/utc.hpp"

namespace vipra::control {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

bool carries(const plan::VirtualRouter& router, std::string_view virtual_ip) {
  return std::any_of(router.addresses.begin(), router.addresses.end(),
                     [&](const auto& address) { return std::string_view{address.virtual_ip} == virtual_ip; });
}

}  // namespace

const plan::Wish* Wishes::find(std::string_view virtual_ip) const noexcept {
  const auto found =
      std::find_if(all_.begin(), all_.end(), [&](const auto& wish) { return wish.virtual_ip == virtual_ip; });
  return found == all_.end() ? nullptr : &*found;
}

bool Wishes::set(plan::Wish wish) {
  if (find(wish.virtual_ip) == nullptr && all_.size() >= kMaxWishes) return false;
  end(wish.virtual_ip);
  all_.push_back(std::move(wish));
  return true;
}

bool Wishes::end(std::string_view virtual_ip) {
  return std::erase_if(all_, [&](const auto& wish) { return wish.virtual_ip == virtual_ip; }) > 0;
}

std::vector<plan::Wish> Wishes::expire(std::int64_t now_unix_ns) {
  std::vector<plan::Wish> over;
  std::erase_if(all_, [&](const auto& wish) {
    if (wish.until_unix_ns == 0 || wish.until_unix_ns > now_unix_ns) return false;
    over.push_back(wish);
    return true;
  });
  return over;
}

std::optional<std::int64_t> Wishes::next_end_unix_ns() const noexcept {
  std::optional<std::int64_t> next;
  for (const auto& wish : all_)
    if (wish.until_unix_ns != 0 && (!next || wish.until_unix_ns < *next)) next = wish.until_unix_ns;
  return next;
}

std::vector<plan::Contribution> Wishes::contributions(const plan::DesiredState& state) const {
  std::vector<plan::Contribution> out;
  for (const auto& wish : all_) {
    const bool all = wish.virtual_ip.empty();
    for (const auto& router : state.routers) {
      if (!all && !carries(router, wish.virtual_ip)) continue;
      plan::Contribution contribution;
      contribution.consumer = router.id;
      contribution.source = all ? "maintenance" : "switchover/" + wish.virtual_ip;
      contribution.fault = true;
      contribution.reason = wish.reason();
      contribution.detail =
          std::string{all ? "this node is in maintenance" : "handed over to the other nodes"} +
          (wish.until_unix_ns == 0 ? std::string{" until that is ended"}
                                   : ", until " + utc_text(wish.until_unix_ns / kSecond));
      out.push_back(std::move(contribution));
    }
  }
  return out;
}

}  // namespace vipra::control
