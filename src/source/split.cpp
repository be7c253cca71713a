#include "source/split.hpp"

#include <algorithm>
#include <utility>

#include "source/yaml.hpp"

namespace vipra::source {
namespace {

using definitions::InputFile;
using nlohmann::json;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// A .json file is JSON; anything else is YAML, of which JSON is a part that is read faster by its own parser.
Documents parse(std::string_view name, std::string_view text, const DocumentLimits& limits) {
  if (name.ends_with(".json")) return parse_json(text, limits);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool looks_like_json = first != text.npos && (text[first] == '{' || text[first] == '[');
  if (!looks_like_json) return parse_yaml(text, limits);
  auto as_json = parse_json(text, limits);
  if (!as_json.error || as_json.error->reason != Reason::kParseError) return as_json;
  return parse_yaml(text, limits);  // flow style, comments, several documents
}

class Splitter {
 public:
  explicit Splitter(InputFile& out) : out_{out} {}

  void add_document(json document, std::size_t number) {
    const auto origin = out_.name + ':' + std::to_string(number);
    if (document.is_null()) return;
    if (!document.is_object()) return refuse(origin, "", Reason::kWrongType, "a document must be an object");
    const auto kind = text_of(document, "kind");
    if (kind.ends_with("List")) return add_list(document, kind, origin);
    add_object(std::move(document), origin);
  }

 private:
  void refuse(const std::string& origin, const char* path, Reason reason, std::string message) {
    out_.complete = false;
    out_.problems.push_back({origin, "", path, reason, std::move(message)});
  }

  void add_object(json object, std::string origin) {
    if (out_.objects.size() == kMaxObjectsPerFile) {
      if (out_.complete) refuse(origin, "", Reason::kTooMany, "the file holds too many objects");
      return;
    }
    out_.objects.push_back({std::move(object), out_.name, std::move(origin)});
  }

  void add_list(json& list, const std::string& kind, const std::string& origin) {
    const auto items = list.find("items");
    if (items == list.end() || !items->is_array()) {
      return refuse(origin, "items", Reason::kRequiredField, "a List must have a list of items");
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
      auto item = std::move((*items)[i]);
      auto item_origin = origin + ".items[" + std::to_string(i) + ']';
      if (!item.is_object()) {
        refuse(item_origin, "", Reason::kWrongType, "an item of a List must be an object");
        continue;
      }
      // The items of a typed list (VirtualIPList) may leave out what the list says for all of them.
      if (kind != "List") {
        if (!item.contains("kind"))
          item["kind"] = kind.substr(0, kind.size() - std::string_view{"List"}.size());
        if (!item.contains("apiVersion") && list.contains("apiVersion"))
          item["apiVersion"] = list["apiVersion"];
      }
      add_object(std::move(item), std::move(item_origin));
    }
  }

  InputFile& out_;
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

}  // namespace

InputFile unreadable_file(std::string_view name, Reason reason, std::string message) {
  InputFile out{std::string{name}, {}, {}, false};
  out.problems.push_back({out.name, "", "", reason, std::move(message)});
  return out;
}

InputFile split(std::string_view name, std::string_view text, const DocumentLimits& limits) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (is_blank(text)) {
    return unreadable_file(name, Reason::kParseError,
                           "the file is empty; delete it to remove what it defined");
  }
  InputFile out{std::string{name}, {}, {}, true};
  auto documents = parse(name, text, limits);
  Splitter splitter{out};
  for (std::size_t i = 0; i < documents.all.size(); ++i)
    splitter.add_document(std::move(documents.all[i]), i + 1);
  if (documents.error) {
    out.complete = false;
    out.problems.push_back({out.name + ':' + std::to_string(documents.error->document), "", "",
                            documents.error->reason, documents.error->message});
  }
  return out;
}

}  // namespace vipra::source
