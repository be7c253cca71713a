// The supervisor's side of the shared page (agent/owned_page.hpp): makes it, keeps it, reads what a dead
// speaker owned. A slot is plain memory that another process wrote: every value is judged before it is used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/owned_page.hpp"
#include "agent/supervisor/hang_detector.hpp"
#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "sys/unique_fd.hpp"
#include "vrrp/packet.hpp"

namespace vipra::supervisor {

// A router that the speaker was giving its voice to, with all that is needed to resign for it.
struct OwnedVoice {
  std::string router;
  Family family = Family::kIpv4;
  std::uint32_t interface_index = 0;
  std::vector<vrrp::Endpoints> destinations;  // never empty
  std::vector<std::uint8_t> message;          // the last advertisement, unsigned, as the first one gets it
  vrrp::ChecksumForm form = vrrp::ChecksumForm::kRfc9568;
  bool operator==(const OwnedVoice&) const = default;
};

struct Belongings {
  std::vector<std::string> routers;  // every one that is named at all, whatever its state
  std::vector<OwnedVoice> voices;    // Master or Releasing
  bool addresses = false;       // some router may have addresses in the kernel, or a slot cannot be trusted
  Duration longest_interval{};  // of those that hold addresses
  std::size_t holders = 0;
  [[nodiscard]] bool nothing() const noexcept { return voices.empty() && !addresses; }
};

class OwnedMemory {
 public:
  [[nodiscard]] static Result<OwnedMemory> make();
  OwnedMemory(OwnedMemory&& other) noexcept;
  OwnedMemory& operator=(OwnedMemory&& other) noexcept;
  OwnedMemory(const OwnedMemory&) = delete;
  OwnedMemory& operator=(const OwnedMemory&) = delete;
  ~OwnedMemory();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // Before a new speaker starts: no pulse yet.
  void reset_pulse() noexcept;
  [[nodiscard]] HangDetector::Pulse pulse(bool said_hello) const noexcept;

  // While no speaker runs (or as an estimate, while one does).
  [[nodiscard]] Belongings read() const;
  // Nothing is owned any more.
  void clear() noexcept;

 private:
  OwnedMemory(sys::UniqueFd fd, agent::OwnedPage* page) noexcept : fd_{std::move(fd)}, page_{page} {}
  sys::UniqueFd fd_;
  agent::OwnedPage* page_ = nullptr;
};

// What `older` says of routers that `newer` does not know is added to it: a speaker that dies before it has
// adopted has emptied the page without giving anything up.
void inherit(Belongings& newer, const Belongings& older);

}  // namespace vipra::supervisor
