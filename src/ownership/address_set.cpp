#include "ownership/address_set.hpp"

#include <algorithm>
#include <numeric>

namespace vipra::ownership {

AddressSet::Kernel judge(const InterfaceAddress* address) noexcept {
  if (address == nullptr) return AddressSet::Kernel::kAbsent;
  return address->is_ours() ? AddressSet::Kernel::kOurs : AddressSet::Kernel::kStranger;
}

void AddressSet::configure(int index, std::vector<IpAddress> ips, bool owner) {
  std::vector<Entry> next(ips.size());
  for (std::size_t i = 0; i < ips.size(); ++i) {
    // What is known of an address that stays is kept, unless it moves to another interface.
    if (const auto* known = index == index_ ? find(ips[i]) : nullptr) next[i] = *known;
    next[i].ip = ips[i];
  }
  index_ = index;
  owner_ = owner;
  entries_ = std::move(next);
  by_ip_.resize(entries_.size());
  std::iota(by_ip_.begin(), by_ip_.end(), 0U);
  std::sort(by_ip_.begin(), by_ip_.end(), [this](auto a, auto b) { return entries_[a].ip < entries_[b].ip; });
  sums_ = {};
  for (const auto& entry : entries_) count(entry, 1);
  examine_all();
}

const AddressSet::Entry* AddressSet::find(const IpAddress& ip) const noexcept {
  const auto at =
      std::lower_bound(by_ip_.begin(), by_ip_.end(), ip,
                       [this](std::uint32_t i, const IpAddress& value) { return entries_[i].ip < value; });
  return at != by_ip_.end() && entries_[*at].ip == ip ? &entries_[*at] : nullptr;
}

bool AddressSet::contains(const IpAddress& ip) const noexcept {
  return find(ip) != nullptr;
}

void AddressSet::count(const Entry& entry, int by) noexcept {
  using Pending = Entry::Pending;
  if (entry.kernel == Kernel::kOurs) sums_.ours += by;
  if (entry.kernel == Kernel::kStranger) sums_.strangers += by;
  if (entry.pending == Pending::kAdd) sums_.adding += by;
  if (entry.pending == Pending::kAdd || entry.pending == Pending::kRemove) sums_.under_way += by;
  if (entry.pending == Pending::kDump) sums_.in_doubt += by;
}

template <class Change>
void AddressSet::change(const IpAddress& ip, Change&& how) {
  const auto* found = find(ip);
  if (found == nullptr) return;
  const auto i = static_cast<std::size_t>(found - entries_.data());
  auto& entry = entries_[i];
  count(entry, -1);
  how(entry);
  count(entry, 1);
  if (wanted_ && entry.kernel != Kernel::kAbsent) entry.was_installed = true;
  if (entry.open) return;
  entry.open = true;
  open_.push_back(static_cast<std::uint32_t>(i));
}

void AddressSet::examine_all() {
  open_.resize(entries_.size());
  std::iota(open_.begin(), open_.end(), 0U);
  for (auto& entry : entries_) entry.open = true;
}

void AddressSet::want(bool wanted) {
  wanted_ = wanted;
  for (auto& entry : entries_) {
    entry.was_installed = wanted && entry.kernel != Kernel::kAbsent;
    entry.error.clear();
  }
  examine_all();
}

void AddressSet::on_kernel(const IpAddress& ip, Kernel state) {
  change(ip, [state](Entry& entry) {
    entry.kernel = state;
    entry.heard_since_command = true;
    if (entry.pending == Entry::Pending::kDump) entry.pending = Entry::Pending::kNone;
  });
}

void AddressSet::on_added(const IpAddress& ip, bool already_there) {
  change(ip, [already_there](Entry& entry) {
    entry.error.clear();
    if (!already_there) {
      // Events and results come by different ways: what was heard since may be newer than this answer (it may
      // be gone again already), and is corrected by a further event or command if it was older.
      if (!entry.heard_since_command) entry.kernel = Kernel::kOurs;
      entry.pending = Entry::Pending::kNone;
    } else {
      // Ours from before, or a stranger's: the answer does not say. Our view may be behind the kernel's
      // events.
      entry.pending = entry.kernel == Kernel::kAbsent ? Entry::Pending::kDump : Entry::Pending::kNone;
    }
  });
}

void AddressSet::on_add_failed(const IpAddress& ip, std::string error) {
  change(ip, [&error](Entry& entry) {
    entry.pending = Entry::Pending::kNone;
    entry.error = std::move(error);
  });
}

void AddressSet::on_removed(const IpAddress& ip) {
  change(ip, [](Entry& entry) {
    if (!entry.heard_since_command) entry.kernel = Kernel::kAbsent;
    entry.pending = Entry::Pending::kNone;
  });
}

void AddressSet::on_remove_failed(const IpAddress& ip, std::string error) {
  change(ip, [this, &error](Entry& entry) {
    entry.pending = Entry::Pending::kDump;
    // Wanted again by now: an old removal's failure must not keep it from being added.
    if (!wanted_) entry.error = std::move(error);
  });
}

bool AddressSet::serve(Entry& entry, AddressCommands& commands, int& restored) {
  if (entry.pending != Entry::Pending::kNone) return true;
  const bool add = wanted_ && entry.kernel == Kernel::kAbsent && entry.error.empty();
  const bool remove = !wanted_ && entry.kernel == Kernel::kOurs;
  if (!add && !remove) return true;
  if (sums_.under_way >= kUnderWay) return false;
  refused_ = add ? !commands.add(index_, entry.ip) : !commands.remove(index_, entry.ip);
  if (refused_) return false;
  count(entry, -1);
  entry.pending = add ? Entry::Pending::kAdd : Entry::Pending::kRemove;
  entry.heard_since_command = false;
  count(entry, 1);
  restored += add && entry.was_installed ? 1 : 0;
  return true;
}

int AddressSet::reconcile(AddressCommands& commands) {
  int restored = 0;
  refused_ = false;
  auto at = open_.begin();
  for (; at != open_.end(); ++at) {
    if (!serve(entries_[*at], commands, restored)) break;
    entries_[*at].open = false;
  }
  open_.erase(open_.begin(), at);
  if (sums_.in_doubt > 0) commands.request_dump();
  return restored;
}

bool AddressSet::complete() const noexcept {
  return sums_.ours + (owner_ ? sums_.strangers : 0) == static_cast<int>(entries_.size());
}

bool AddressSet::clear() const noexcept {
  return sums_.ours == 0 && sums_.adding == 0;
}

const AddressSet::Entry* AddressSet::first_stranger() const noexcept {
  if (owner_ || sums_.strangers == 0) return nullptr;
  for (const auto& entry : entries_) {
    if (entry.kernel == Kernel::kStranger) return &entry;
  }
  return nullptr;
}

const AddressSet::Entry* AddressSet::first_failed() const noexcept {
  for (const auto& entry : entries_) {
    if (!entry.error.empty()) return &entry;
  }
  return nullptr;
}

}  // namespace vipra::ownership
