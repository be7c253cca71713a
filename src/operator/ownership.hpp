// Who owns an object's addresses, family by family, as far as the reports tell. Private to this module.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/reduce.hpp"
#include "operator/views.hpp"

namespace vipra::cluster {

struct FamilyOwner {
  Family family = Family::kIpv4;
  std::string owner;                 // empty: none
  const RouterFact* fact = nullptr;  // of the owner; null if it has not told this process yet
  bool verified = false;             // not only from before: the owner has not fallen silent
  int claimants = 0;                 // nodes that say so and do not contradict one another by age
};

struct Ownership {
  std::vector<FamilyOwner> families;  // those that the object wants or the nodes run
  std::vector<RouterRow> rows;        // by family and VRID
  std::string owner;                  // of all families
  bool none = false;                  // no family has one
  bool split = false;                 // some have, or different ones
  bool two = false;
  bool unverified = false;
  int claimants = 0;  // of the family with the most
};

[[nodiscard]] Ownership ownership_of(const Object& object, const Status& before, const Views& views,
                                     const Input& input, ObjectMemory& memory);

}  // namespace vipra::cluster
