#include "definitions/store.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace vipra::definitions {
DefinitionStore::Entry DefinitionStore::make_entry(RawPtr raw) {
  auto parsed = parse_virtual_ip(raw->json);
  SpecPtr spec;
  if (parsed.spec) spec = std::make_shared<const VirtualIpSpec>(std::move(*parsed.spec));
  return {std::move(raw), std::move(parsed.name), std::move(spec), std::move(parsed.errors)};
}

plan::Seniority DefinitionStore::seniority_of(const Entry& entry) {
  return entry.spec ? entry.spec->seniority : plan::Seniority{std::nullopt, entry.name};
}

bool DefinitionStore::is_of_another_kind(const Entry& entry) {
  return std::any_of(entry.errors.begin(), entry.errors.end(), [](const FieldError& error) {
    return error.path == "kind" || error.path == "apiVersion";
  });
}

void DefinitionStore::seed(const std::vector<RawObject>& last_good) {
  for (const auto& raw : last_good) {
    auto entry = make_entry(std::make_shared<const RawObject>(raw));
    if (entry.spec) good_.insert_or_assign(entry.name, Good{entry.raw, entry.spec});
  }
  objects_.clear();
  for (const auto& [name, good] : good_) {
    objects_.push_back({name, good.raw->origin, {}, true, true, good.spec->object_generation});
  }
  publish();
}

bool DefinitionStore::replace(const std::vector<InputFilePtr>& files) {
  take_files(files);
  auto before = std::exchange(good_, {});
  name_the_nameless(before);
  objects_.clear();
  for (const auto& [name, claimants] : claims(before)) judge(name, claimants, before);
  keep_unread(before);
  std::sort(objects_.begin(), objects_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name, a.origin) < std::tie(b.name, b.origin);
  });
  list_problems();
  return publish();
}

void DefinitionStore::take_files(const std::vector<InputFilePtr>& files) {
  std::map<std::string, File, std::less<>> next;
  for (const auto& input : files) {
    if (const auto known = files_.find(input->name); known != files_.end() && known->second.input == input) {
      auto& kept = next.insert_or_assign(input->name, std::move(known->second)).first->second;
      for (auto& entry : kept.entries)
        std::erase_if(entry.errors, [](const FieldError& error) {
          return error.reason == Reason::kDuplicate && error.path == "metadata.name";
        });
      continue;
    }
    File file{input, {}};
    for (const auto& raw : input->objects) file.entries.push_back(make_entry(RawPtr{input, &raw}));
    next.insert_or_assign(input->name, std::move(file));
  }
  files_ = std::move(next);
}

// An object whose name has become unreadable is still the one that was at that place.
void DefinitionStore::name_the_nameless(const GoodByName& before) {
  std::map<std::string_view, const std::string*> name_at;
  for (const auto& [name, good] : before) name_at.emplace(good.raw->origin, &name);
  std::set<std::string_view> present;
  for (const auto& [file_name, file] : files_) {
    for (const auto& entry : file.entries) present.insert(entry.name);
  }
  for (auto& [file_name, file] : files_) {
    for (auto& entry : file.entries) {
      if (!entry.name.empty()) continue;
      const auto known = name_at.find(entry.raw->origin);
      if (known != name_at.end() && !present.contains(*known->second)) entry.name = *known->second;
    }
  }
}

// Who wants each name, in the order of files and documents.
// An object of another kind claims no name, unless it stands where the served one was (a typo in its kind).
DefinitionStore::Claims DefinitionStore::claims(const GoodByName& before) {
  Claims out;
  for (auto& [file_name, file] : files_) {
    for (auto& entry : file.entries) {
      const auto& name = entry.name;
      if (name.empty()) continue;
      const auto served = before.find(name);
      const bool in_place = served != before.end() && served->second.raw->origin == entry.raw->origin;
      if (in_place || !is_of_another_kind(entry)) out[name].push_back(&entry);
    }
  }
  return out;
}

void DefinitionStore::judge(const std::string& name, const std::vector<Entry*>& claimants,
                            GoodByName& before) {
  const auto known = before.find(name);
  // The most senior (at one age, the first); if that is bad and not what is served, the most senior good one.
  const auto is_better = [](const Entry* a, const Entry* b) {
    if (!a->spec != !b->spec) return !!a->spec;
    return plan::is_senior(seniority_of(*a), seniority_of(*b));
  };
  const auto is_senior = [](const Entry* a, const Entry* b) {
    return plan::is_senior(seniority_of(*a), seniority_of(*b));
  };
  const auto* winner = *std::min_element(claimants.begin(), claimants.end(), is_senior);
  const bool was_winner = known != before.end() && known->second.raw->origin == winner->raw->origin;
  if (!winner->spec && !was_winner) {
    winner = *std::min_element(claimants.begin(), claimants.end(), is_better);
  }
  ObjectStatus status{name, winner->raw->origin, winner->errors};
  if (winner->spec) {
    good_.insert_or_assign(name, Good{winner->raw, winner->spec});
  } else if (known != before.end()) {
    good_.insert_or_assign(name, std::move(known->second));
    status.last_good = true;
  }
  if (const auto served = good_.find(name); served != good_.end()) {
    status.served = true;
    status.object_generation = served->second.spec->object_generation;
  }
  before.erase(name);
  objects_.push_back(std::move(status));
  for (auto* entry : claimants) {
    if (entry == winner || !entry->spec) continue;
    entry->errors.push_back({"metadata.name", Reason::kDuplicate,
                             "the VirtualIP " + name + " is already defined in " + winner->raw->origin});
  }
}

// What came from a file that was not read to its end is not gone.
void DefinitionStore::keep_unread(GoodByName& before) {
  for (auto& [name, good] : before) {
    const auto file = files_.find(good.raw->file);
    if (file == files_.end() || file->second.input->complete) continue;
    objects_.push_back({name, good.raw->origin, {}, true, true, good.spec->object_generation});
    good_.insert_or_assign(name, std::move(good));
  }
}

void DefinitionStore::list_problems() {
  problems_.clear();
  for (const auto& [file_name, file] : files_) {
    problems_.insert(problems_.end(), file.input->problems.begin(), file.input->problems.end());
    for (const auto& entry : file.entries) {
      for (const auto& error : entry.errors) {
        problems_.push_back({entry.raw->origin, entry.name, error.path, error.reason, error.message});
      }
    }
  }
}

bool DefinitionStore::publish() {
  std::vector<VirtualIpSpec> next;
  next.reserve(good_.size());
  for (const auto& [name, good] : good_) next.push_back(*good.spec);
  const bool changed = next != specs_;
  specs_ = std::move(next);
  return changed;
}

std::vector<RawObject> DefinitionStore::accepted() const {
  std::vector<RawObject> out;
  for (const auto& [name, good] : good_) out.push_back(*good.raw);
  return out;
}

}  // namespace vipra::definitions
