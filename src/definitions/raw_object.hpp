// What a source yields, before anything is believed: objects as JSON, each with the place it came from. A
// source hands over whole files (an API server, later, is one large file); the store makes specs of them.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/reason.hpp"

namespace vipra::definitions {

struct RawObject {
  nlohmann::json json;
  std::string file;    // InputFile::name
  std::string origin;  // "web.yaml:2": file and document, counted from 1; "web.yaml:1.items[3]" inside a List
};

// Something wrong with a file or an object in it. `path` is a JSON path, empty if the file as a whole is
// meant.
struct Problem {
  std::string origin;
  std::string object;  // metadata.name where it could be read
  std::string path;
  Reason reason = Reason::kInvalidValue;
  std::string message;
  bool operator==(const Problem&) const = default;
};

struct InputFile {
  std::string name;  // valid UTF-8, unique within its source
  std::vector<RawObject> objects;
  std::vector<Problem> problems;
  // False if the file could not be read or parsed to its end: what came from it earlier is then not gone.
  bool complete = true;
};
// Shared and immutable: a file that has not changed stays the same pointer, and is not parsed again.
using InputFilePtr = std::shared_ptr<const InputFile>;

}  // namespace vipra::definitions
