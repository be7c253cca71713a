// All definitions of this node as they are now, file by file, and what of them is served. Pure.
//
// What a bad edit does: an object that was good and is now refused keeps being served as it was last good,
// and shows its errors; the same for every object of a file that can no longer be read or parsed. A typo
// therefore moves no VIP. Only a proper deletion takes one away: the file is gone, or it is readable to its
// end and no longer has the object. An object that was never good is refused alone.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "definitions/parse.hpp"
#include "definitions/raw_object.hpp"
#include "definitions/virtual_ip.hpp"

namespace vipra::definitions {

// One VirtualIP as people see it.
struct ObjectStatus {
  std::string name;
  std::string origin;                  // of what is written now; of the last good version if nothing is
  std::vector<FieldError> errors;      // of what is written now
  bool served = false;                 // some version of it is
  bool last_good = false;              // and that is an older one than what is written now
  std::int64_t object_generation = 0;  // metadata.generation of the served version
};

class DefinitionStore {
 public:
  // Last good objects of an earlier run, before the first replace(): they are served until a source says
  // better. Those that no longer validate are ignored.
  void seed(const std::vector<RawObject>& last_good);

  // The whole truth of the source. True if specs() is not what it was.
  bool replace(const std::vector<InputFilePtr>& files);

  // Valid and unique by name, sorted by name. References stay valid until the next call that is not const.
  [[nodiscard]] const std::vector<VirtualIpSpec>& specs() const noexcept { return specs_; }
  [[nodiscard]] const std::vector<ObjectStatus>& objects() const noexcept { return objects_; }
  // Everything that is wrong, also with files that hold no readable object, in the order of files and
  // documents.
  [[nodiscard]] const std::vector<Problem>& problems() const noexcept { return problems_; }
  // The raw form of specs(), for the copy on disk.
  [[nodiscard]] std::vector<RawObject> accepted() const;

 private:
  // Raw objects and specs are shared, not copied: most of them survive most changes.
  using RawPtr = std::shared_ptr<const RawObject>;
  using SpecPtr = std::shared_ptr<const VirtualIpSpec>;
  struct Entry {
    RawPtr raw;
    std::string name;
    SpecPtr spec;  // null if it is bad
    std::vector<FieldError> errors;
  };
  static Entry make_entry(RawPtr raw);
  static plan::Seniority seniority_of(const Entry& entry);
  static bool is_of_another_kind(const Entry& entry);
  struct File {
    InputFilePtr input;
    std::vector<Entry> entries;
  };
  struct Good {
    RawPtr raw;
    SpecPtr spec;
  };
  using GoodByName = std::map<std::string, Good, std::less<>>;
  using Claims = std::map<std::string, std::vector<Entry*>, std::less<>>;

  void take_files(const std::vector<InputFilePtr>& files);
  void name_the_nameless(const GoodByName& before);
  Claims claims(const GoodByName& before);
  void judge(const std::string& name, const std::vector<Entry*>& claimants, GoodByName& before);
  void keep_unread(GoodByName& before);
  void list_problems();
  bool publish();

  std::map<std::string, File, std::less<>> files_;
  GoodByName good_;
  std::vector<VirtualIpSpec> specs_;
  std::vector<ObjectStatus> objects_;
  std::vector<Problem> problems_;
};

}  // namespace vipra::definitions
