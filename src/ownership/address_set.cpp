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
}

AddressSet::Entry* AddressSet::find(const IpAddress& ip) noexcept {
  const auto at =
      std::lower_bound(by_ip_.begin(), by_ip_.end(), ip,
                       [this](std::uint32_t i, const IpAddress& value) { return entries_[i].ip < value; });
  return at != by_ip_.end() && entries_[*at].ip == ip ? &entries_[*at] : nullptr;
}

bool AddressSet::contains(const IpAddress& ip) const noexcept {
  return const_cast<AddressSet*>(this)->find(ip) != nullptr;
}

void AddressSet::want(bool wanted) {
  wanted_ = wanted;
  for (auto& entry : entries_) {
    entry.was_installed = false;
    entry.error.clear();
  }
}

void AddressSet::on_kernel(const IpAddress& ip, Kernel state) {
  auto* entry = find(ip);
  if (entry == nullptr) return;
  entry->kernel = state;
  entry->heard_since_command = true;
  if (entry->pending == Entry::Pending::kDump) entry->pending = Entry::Pending::kNone;
}

void AddressSet::on_added(const IpAddress& ip, bool already_there) {
  auto* entry = find(ip);
  if (entry == nullptr) return;
  entry->error.clear();
  if (!already_there) {
    // Events and results come by different ways: what was heard since may be newer than this answer (it may
    // be gone again already), and is corrected by a further event or command if it was older.
    if (!entry->heard_since_command) entry->kernel = Kernel::kOurs;
    entry->pending = Entry::Pending::kNone;
  } else {
    // Ours from before, or a stranger's: the answer does not say. Our view may be behind the kernel's events.
    entry->pending = entry->kernel == Kernel::kAbsent ? Entry::Pending::kDump : Entry::Pending::kNone;
  }
}

void AddressSet::on_add_failed(const IpAddress& ip, std::string error) {
  if (auto* entry = find(ip)) {
    entry->pending = Entry::Pending::kNone;
    entry->error = std::move(error);
  }
}

void AddressSet::on_removed(const IpAddress& ip) {
  if (auto* entry = find(ip)) {
    if (!entry->heard_since_command) entry->kernel = Kernel::kAbsent;
    entry->pending = Entry::Pending::kNone;
  }
}

void AddressSet::on_remove_failed(const IpAddress& ip, std::string error) {
  if (auto* entry = find(ip)) {
    entry->pending = Entry::Pending::kDump;
    // Wanted again by now: an old removal's failure must not keep it from being added.
    if (!wanted_) entry->error = std::move(error);
  }
}

int AddressSet::reconcile(AddressCommands& commands) {
  int restored = 0;
  bool doubt = false;
  refused_ = false;
  for (auto& entry : entries_) {
    if (wanted_ && entry.kernel != Kernel::kAbsent) entry.was_installed = true;
    if (entry.pending == Entry::Pending::kDump) doubt = true;
    if (entry.pending != Entry::Pending::kNone) continue;
    if (wanted_ && entry.kernel == Kernel::kAbsent && entry.error.empty()) {
      refused_ = !commands.add(index_, entry.ip);
      if (refused_) break;
      entry.pending = Entry::Pending::kAdd;
      entry.heard_since_command = false;
      restored += entry.was_installed ? 1 : 0;
    } else if (!wanted_ && entry.kernel == Kernel::kOurs) {
      refused_ = !commands.remove(index_, entry.ip);
      if (refused_) break;
      entry.pending = Entry::Pending::kRemove;
      entry.heard_since_command = false;
    }
  }
  if (doubt) commands.request_dump();
  return restored;
}

bool AddressSet::complete() const noexcept {
  return std::all_of(entries_.begin(), entries_.end(), [this](const Entry& entry) {
    return entry.kernel == Kernel::kOurs || (owner_ && entry.kernel == Kernel::kStranger);
  });
}

bool AddressSet::clear() const noexcept {
  return std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return entry.kernel != Kernel::kOurs && entry.pending != Entry::Pending::kAdd;
  });
}

const AddressSet::Entry* AddressSet::first_stranger() const noexcept {
  if (owner_) return nullptr;
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
