// The conditions of a VirtualIP, from the views of all nodes. Private to this module.
#pragma once

#include <string>
#include <vector>

#include "operator/ownership.hpp"
#include "operator/reduce.hpp"
#include "operator/views.hpp"

namespace vipra::cluster {

struct Judgement {
  const Object& object;
  const Status& before;
  const Views& views;
  const Ownership& ownership;
  std::vector<std::string> missing;  // addresses that their owner does not have
  bool settled = true;               // false while an election or an installation may be under way
  bool reporting = true;             // somebody reports at all
};

// In the order Accepted, AddressAssigned, Announced, Ready, Degraded, Conflict; each keeps its time while its
// status stays as it is.
[[nodiscard]] std::vector<Condition> conditions_of(const Judgement& judgement, std::int64_t now_unix);

}  // namespace vipra::cluster
