// vipra-schema-generator SCHEMA.yaml OUT.cpp OUT.md OUT.yaml: embeds the schema (as JSON, without
// descriptions) into a source file of the definitions library, and writes the field reference and the
// CustomResourceDefinition. Run by the build; fails on a schema in which a field has no description or no
// bound.
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "source/yaml.hpp"
#include "tools/custom_resource.hpp"
#include "tools/field_reference.hpp"

namespace {

using nlohmann::json;

std::string read_file(const char* path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool write_file(const char* path, const std::string& text) {
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << text;
  return static_cast<bool>(file.flush());
}

// What Kubernetes needs for the cost of its rules, and people for `kubectl explain`.
int count_gaps(const json& schema, const std::string& place) {
  int gaps = 0;
  const auto demand = [&](bool fine, const char* what) {
    if (fine) return;
    std::cerr << place << ": " << what << '\n';
    ++gaps;
  };
  demand(schema.contains("description") || place == "metadata", "has no description");
  const std::string type = schema.value("type", "");
  const bool outside = place == "apiVersion" || place == "kind" || place == "metadata";
  if (type == "string" && !outside) {
    demand(
        schema.contains("maxLength") || schema.contains("enum") || schema.value("format", "") == "date-time",
        "has no maxLength");
  }
  if (type == "array")
    demand(schema.contains("maxItems") && schema.contains("x-kubernetes-list-type"),
           "has no maxItems or list type");
  if (type == "integer") demand(schema.contains("enum") || schema.contains("minimum"), "has no minimum");
  if (schema.contains("additionalProperties"))
    demand(schema.contains("maxProperties"), "has no maxProperties");
  const auto properties = schema.value("properties", json::object());
  for (const auto& [name, child] : properties.items()) {
    gaps += count_gaps(child, place.empty() ? name : place + '.' + name);
  }
  if (schema.contains("items")) gaps += count_gaps(schema["items"], place + "[]");
  if (schema.contains("additionalProperties"))
    gaps += count_gaps(schema["additionalProperties"], place + "{}");
  return gaps;
}

json without_descriptions(const json& schema) {
  json out = schema;
  out.erase("description");
  for (const auto* key : {"items", "additionalProperties"}) {
    if (out.contains(key)) out[key] = without_descriptions(out[key]);
  }
  if (out.contains("properties")) {
    for (auto& child : out["properties"]) child = without_descriptions(child);
  }
  return out;
}

std::string embedding(const std::string& text) {
  std::string out =
      "// Generated from api/crd/virtualip.schema.yaml. Do not edit.\n"
      "#include \"definitions/embedded_schema.hpp\"\n\nnamespace vipra::definitions {\n\n"
      "std::string_view embedded_schema() noexcept {\n  return\n";
  constexpr std::size_t kChunk = 2000;
  for (std::size_t at = 0; at < text.size(); at += kChunk) {
    out += "      R\"schema(" + text.substr(at, kChunk) + ")schema\"\n";
  }
  return out + "      ;\n}\n\n}  // namespace vipra::definitions\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: vipra-schema-generator SCHEMA.yaml OUT.cpp OUT.md OUT.yaml\n";
    return 2;
  }
  try {
    const auto documents = vipra::source::parse_yaml(read_file(argv[1]));
    if (documents.error || documents.all.size() != 1) {
      std::cerr << argv[1] << ": " << (documents.error ? documents.error->message : "must be one document")
                << '\n';
      return 1;
    }
    const auto& schema = documents.all.front();
    if (count_gaps(schema, "") != 0) return 1;
    const bool written = write_file(argv[2], embedding(without_descriptions(schema).dump())) &&
                         write_file(argv[3], vipra::tools::field_reference(schema)) &&
                         write_file(argv[4], vipra::tools::custom_resource_definition(schema));
    return written ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << argv[1] << ": " << error.what() << '\n';
    return 1;
  }
}
