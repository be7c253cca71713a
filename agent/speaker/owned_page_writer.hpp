// The speaker's pen for the shared page (agent/owned_page.hpp): one slot a router, rewritten in place. Also
// reads what the last speaker left.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/owned_page.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "election/machine.hpp"
#include "router/virtual_router.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::agent {

struct LeftBehind {
  election::Adoption adoption;
  int interface_index = 0;
  std::uint32_t failed_tracks = 0;              // as the tracker has them
  std::optional<vrrp::ChecksumForm> sent_form;  // version 3 over IPv4: of its last message
};

class OwnedPageWriter {
 public:
  OwnedPageWriter() = default;
  ~OwnedPageWriter();
  OwnedPageWriter(const OwnedPageWriter&) = delete;
  OwnedPageWriter& operator=(const OwnedPageWriter&) = delete;

  // Maps the page, takes what the last speaker left out of it, and empties it.
  [[nodiscard]] Status map(const sys::UniqueFd& fd);
  // Of a router with this id, once.
  [[nodiscard]] std::optional<LeftBehind> take_left_behind(const std::string& id);

  void update(const router::VirtualRouter& router, std::uint32_t failed_tracks = 0);
  void remove(router::RouterIndex router);
  void beat(TimePoint now, TimePoint next_deadline);

 private:
  [[nodiscard]] OwnedSlot* slot_of(router::RouterIndex router);

  OwnedPage* page_ = nullptr;
  std::map<std::string, LeftBehind> left_behind_;
};

}  // namespace vipra::agent
