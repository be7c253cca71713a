#include <algorithm>

#include "definitions/virtual_ip.hpp"

namespace vipra::definitions {
namespace {

bool holds(const LabelRequirement& requirement, const std::map<std::string, std::string>& labels) {
  const auto label = labels.find(requirement.key);
  const bool exists = label != labels.end();
  const auto listed = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), label->second) !=
           requirement.values.end();
  };
  switch (requirement.op) {
    case LabelRequirement::Operator::kIn:
      return exists && listed();
    case LabelRequirement::Operator::kNotIn:
      return !exists || !listed();
    case LabelRequirement::Operator::kExists:
      return exists;
    case LabelRequirement::Operator::kDoesNotExist:
      return !exists;
  }
  return false;
}

}  // namespace

bool LabelSelector::matches(const std::map<std::string, std::string>& labels) const {
  return std::all_of(requirements.begin(), requirements.end(),
                     [&](const auto& requirement) { return holds(requirement, labels); });
}

}  // namespace vipra::definitions
