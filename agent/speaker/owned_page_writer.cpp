#include "agent/speaker/owned_page_writer.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "vrrp/packet.hpp"

namespace vipra::agent {
namespace {

// Odd while the slot is being written; the supervisor and a heir skip a torn one.
void write_slot(OwnedSlot& slot, auto&& change) {
  const auto sequence = slot.sequence.load(std::memory_order_relaxed) | 1U;
  slot.sequence.store(sequence, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  change(slot);
  slot.sequence.store(sequence + 1, std::memory_order_release);
}

// Memory that a crash left behind: no value is taken for granted.
std::optional<vrrp::ChecksumForm> form_of(const OwnedRouter& owned) {
  constexpr int kVersion3 = 3;
  if (owned.family != 4 || owned.message_size == 0 || owned.message[0] >> 4 != kVersion3) return std::nullopt;
  for (const auto form : {vrrp::ChecksumForm::kRfc9568, vrrp::ChecksumForm::kRfc5798})
    if (owned.checksum_form == form) return form;
  return std::nullopt;
}

}  // namespace

OwnedPageWriter::~OwnedPageWriter() {
  if (page_ != nullptr) ::munmap(page_, sizeof(OwnedPage));
}

Status OwnedPageWriter::map(const sys::UniqueFd& fd) {
  struct stat info{};
  if (::fstat(fd.get(), &info) < 0) return fail_errno("cannot stat the shared page", errno);
  if (static_cast<std::size_t>(info.st_size) < sizeof(OwnedPage)) {
    return fail(Errc::kInvalid, "the shared page is too small");
  }
  void* const at = ::mmap(nullptr, sizeof(OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return fail_errno("cannot map the shared page", errno);
  page_ = static_cast<OwnedPage*>(at);
  if (page_->version != kOwnedPageVersion)
    return fail(Errc::kUnsupported, "the shared page has another version");
  const auto used = std::min<std::size_t>(page_->slots_used.load(), kOwnedSlots);
  for (std::size_t i = 0; i < used; ++i) {
    auto& slot = page_->slots[i];
    const bool torn = slot.sequence.load(std::memory_order_acquire) % 2 == 1;
    const auto& owned = slot.router;
    const bool terminated = std::memchr(owned.id.data(), 0, owned.id.size()) != nullptr;
    if (slot.in_use != 0 && terminated) {
      LeftBehind left;
      // A torn slot was being written: its router is not trusted to be master, and its addresses go.
      left.adoption.was_master = !torn && owned.state == State::kMaster;
      left.adoption.last_advert = BootTimePoint{Duration{owned.last_advert_boot_ns}};
      left.interface_index = static_cast<int>(owned.interface_index);
      if (!torn) left.sent_form = form_of(owned);
      if (!torn) left.failed_tracks = owned.failed_tracks;
      left_behind_.insert_or_assign(std::string{owned.id_view()}, left);
    }
    write_slot(slot, [](OwnedSlot& s) { s.in_use = 0; });
  }
  return {};
}

std::optional<LeftBehind> OwnedPageWriter::take_left_behind(const std::string& id) {
  const auto found = left_behind_.find(id);
  if (found == left_behind_.end()) return std::nullopt;
  const auto left = found->second;
  left_behind_.erase(found);
  return left;
}

OwnedSlot* OwnedPageWriter::slot_of(router::RouterIndex router) {
  if (page_ == nullptr || router >= kOwnedSlots) return nullptr;
  if (page_->slots_used.load(std::memory_order_relaxed) <= router) page_->slots_used.store(router + 1);
  return &page_->slots[router];
}

void OwnedPageWriter::update(const router::VirtualRouter& router, std::uint32_t failed_tracks) {
  auto* slot = slot_of(router.index());
  if (slot == nullptr || !router.segment()) return;
  write_slot(*slot, [&](OwnedSlot& s) {
    s.in_use = 1;
    auto& owned = s.router;
    const auto& desired = router.desired();
    const auto length = std::min(desired.id.size(), kMaxRouterId);
    std::memcpy(owned.id.data(), desired.id.data(), length);
    owned.id[length] = 0;
    owned.state = router.state();
    owned.family = desired.family == Family::kIpv4 ? 4 : 6;
    owned.vrid = desired.vrid.value();
    owned.holds_addresses = router.machine().holds_addresses() || !router.addresses().clear();
    owned.interface_index = static_cast<std::uint32_t>(router.segment()->index);
    owned.last_advert_boot_ns = router.last_advert().boot.time_since_epoch().count();
    owned.interval_ns = desired.interval.count();
    owned.misses = desired.misses;
    owned.failed_tracks = failed_tracks;
    owned.checksum_form = router.message_form();
    const auto& destinations = router.destinations();
    owned.destination_count =
        static_cast<std::uint16_t>(std::min(destinations.size(), owned.destinations.size()));
    for (std::size_t i = 0; i < owned.destination_count; ++i) {
      auto& to = owned.destinations[i];
      std::ranges::copy(destinations[i].source.bytes(), to.source.begin());
      std::ranges::copy(destinations[i].destination.bytes(), to.destination.begin());
    }
    const auto message = router.message();
    owned.message_size = static_cast<std::uint16_t>(std::min(message.size(), owned.message.size()));
    std::memcpy(owned.message.data(), message.data(), owned.message_size);
  });
}

void OwnedPageWriter::remove(router::RouterIndex router) {
  if (auto* slot = slot_of(router)) write_slot(*slot, [](OwnedSlot& s) { s.in_use = 0; });
}

void OwnedPageWriter::beat(TimePoint now, TimePoint next_deadline) {
  if (page_ == nullptr) return;
  page_->next_deadline_ns.store(next_deadline.time_since_epoch().count(), std::memory_order_relaxed);
  page_->heartbeat_ns.store(now.time_since_epoch().count(), std::memory_order_release);
}

}  // namespace vipra::agent
