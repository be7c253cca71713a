#include "agent/supervisor/owned_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "vrrp/packet.hpp"

namespace vipra::supervisor {
namespace {

bool known_state(State state) {
  return std::find(kAllStateValues.begin(), kAllStateValues.end(), state) != kAllStateValues.end();
}

std::string id_of(const agent::OwnedRouter& router) {
  const auto* const end = static_cast<const char*>(std::memchr(router.id.data(), 0, router.id.size()));
  return end == nullptr ? std::string{} : std::string{router.id.data(), end};
}

std::optional<OwnedVoice> voice_of(const agent::OwnedRouter& router) {
  if (router.family != 4 && router.family != 6) return std::nullopt;
  if (router.message_size < vrrp::kHeaderSize || router.message_size > router.message.size())
    return std::nullopt;
  OwnedVoice out;
  out.router = id_of(router);
  out.family = router.family == 4 ? Family::kIpv4 : Family::kIpv6;
  out.interface_index = router.interface_index;
  if (router.destination_count == 0 || router.destination_count > router.destinations.size())
    return std::nullopt;
  const auto size = address_size(out.family);
  for (std::size_t i = 0; i < router.destination_count; ++i) {
    const auto& to = router.destinations[i];
    const auto source = IpAddress::from_bytes(std::span{to.source}.first(size));
    const auto destination = IpAddress::from_bytes(std::span{to.destination}.first(size));
    if (!source || !destination) return std::nullopt;
    out.destinations.push_back({*source, *destination});
  }
  out.form = router.checksum_form;
  out.message.assign(router.message.begin(), router.message.begin() + router.message_size);
  return out;
}

}  // namespace

Result<OwnedMemory> OwnedMemory::make() {
  sys::UniqueFd fd{::memfd_create("vipra-owned", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) return fail_errno("cannot create the shared page", errno);
  // Pages appear as they are written: an empty table costs nothing.
  if (::ftruncate(fd.get(), sizeof(agent::OwnedPage)) < 0)
    return fail_errno("cannot size the shared page", errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
    return fail_errno("cannot seal the size of the shared page", errno);
  }
  void* const at = ::mmap(nullptr, sizeof(agent::OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) return fail_errno("cannot map the shared page", errno);
  auto* const page = static_cast<agent::OwnedPage*>(at);
  page->version = agent::kOwnedPageVersion;
  return OwnedMemory{std::move(fd), page};
}

OwnedMemory::OwnedMemory(OwnedMemory&& other) noexcept
    : fd_{std::move(other.fd_)}, page_{std::exchange(other.page_, nullptr)} {}

OwnedMemory& OwnedMemory::operator=(OwnedMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(page_, other.page_);
  return *this;
}

OwnedMemory::~OwnedMemory() {
  if (page_ != nullptr) ::munmap(page_, sizeof(agent::OwnedPage));
}

void OwnedMemory::reset_pulse() noexcept {
  page_->heartbeat_ns.store(0, std::memory_order_relaxed);
  page_->next_deadline_ns.store(0, std::memory_order_relaxed);
}

HangDetector::Pulse OwnedMemory::pulse(bool said_hello) const noexcept {
  return {page_->heartbeat_ns.load(std::memory_order_acquire),
          page_->next_deadline_ns.load(std::memory_order_relaxed), said_hello, false};
}

Belongings OwnedMemory::read() const {
  Belongings out;
  const auto used =
      std::min<std::size_t>(page_->slots_used.load(std::memory_order_acquire), agent::kOwnedSlots);
  for (std::size_t i = 0; i < used; ++i) {
    const auto& slot = page_->slots[i];
    const bool torn = slot.sequence.load(std::memory_order_acquire) % 2 != 0;
    if (torn) out.addresses = true;
    if (torn || slot.in_use == 0 || !known_state(slot.router.state)) continue;
    const auto& router = slot.router;
    out.routers.push_back(id_of(router));
    const bool speaks = router.state == State::kMaster || router.state == State::kReleasing;
    if (speaks || router.holds_addresses) {
      out.addresses = true;
      ++out.holders;
      out.longest_interval = std::max(out.longest_interval, Duration{router.interval_ns});
    }
    // A router that is neither only holds addresses on their way out: a resignation in its name would disturb
    // the master that has taken over.
    if (!speaks) continue;
    if (auto voice = voice_of(router)) out.voices.push_back(std::move(*voice));
  }
  return out;
}

void OwnedMemory::clear() noexcept {
  const auto used =
      std::min<std::size_t>(page_->slots_used.load(std::memory_order_acquire), agent::kOwnedSlots);
  for (std::size_t i = 0; i < used; ++i) {
    auto& slot = page_->slots[i];
    slot.in_use = 0;
    const auto sequence = slot.sequence.load(std::memory_order_relaxed);
    slot.sequence.store((sequence | 1U) + 1, std::memory_order_release);
  }
}

void inherit(Belongings& newer, const Belongings& older) {
  for (const auto& voice : older.voices) {
    const bool known =
        std::find(newer.routers.begin(), newer.routers.end(), voice.router) != newer.routers.end();
    if (!known) newer.voices.push_back(voice);
  }
  newer.addresses = newer.addresses || older.addresses;
  newer.longest_interval = std::max(newer.longest_interval, older.longest_interval);
  newer.holders = std::max(newer.holders, older.holders);
}

}  // namespace vipra::supervisor
