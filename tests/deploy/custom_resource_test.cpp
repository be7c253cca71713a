// The committed CustomResourceDefinition is what the build makes of the schema, in both of its places, and
// says beside the schema what Kubernetes needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "source/yaml.hpp"

namespace vipra {
namespace {

using nlohmann::json;

std::string read(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

json read_yaml(const std::filesystem::path& path) {
  auto documents = source::parse_yaml(read(path));
  EXPECT_FALSE(documents.error) << path << ": " << documents.error->message;
  EXPECT_EQ(documents.all.size(), 1u) << path;
  return documents.all.empty() ? json{} : documents.all.front();
}

TEST(CustomResource, BothCommittedCopiesAreTheGeneratedOne) {
  const auto generated = read(VIPRA_CUSTOM_RESOURCE);
  ASSERT_FALSE(generated.empty());
  const std::filesystem::path source{VIPRA_SOURCE_DIR};
  for (const auto* folder : {"deploy/manifests/crds", "deploy/helm/vipra/files"}) {
    EXPECT_EQ(read(source / folder / "vipra.dev_virtualips.yaml"), generated)
        << "copy " << VIPRA_CUSTOM_RESOURCE << " to " << folder;
  }
}

// What the folding of texts and the quoting of scalars could lose.
TEST(CustomResource, TheSchemaInItIsTheSchema) {
  const auto definition = read_yaml(VIPRA_CUSTOM_RESOURCE);
  const auto schema = read_yaml(std::filesystem::path{VIPRA_SOURCE_DIR} / "api/crd/virtualip.schema.yaml");
  EXPECT_EQ(definition.at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema"), schema);
}

// A path such as .spec.vrrp.virtualRouterID names a field of the schema.
const json* field_at(const json& schema, std::string path) {
  if (const auto end = path.find_first_of("["); end != path.npos) path.resize(end);
  const json* at = &schema;
  for (std::size_t begin = 1; begin < path.size();) {
    const auto dot = std::min(path.find('.', begin), path.size());
    const auto properties = at->find("properties");
    if (properties == at->end()) return nullptr;
    const auto child = properties->find(path.substr(begin, dot - begin));
    if (child == properties->end()) return nullptr;
    at = &*child;
    begin = dot + 1;
  }
  return at;
}

TEST(CustomResource, ColumnsAndSelectableFieldsNameFieldsOfTheSchema) {
  const auto definition = read_yaml(VIPRA_CUSTOM_RESOURCE);
  const auto& version = definition.at("spec").at("versions").at(0);
  const auto& schema = version.at("schema").at("openAPIV3Schema");
  std::vector<std::string> shown;
  for (const auto& column : version.at("additionalPrinterColumns")) {
    const std::string path = column.at("jsonPath");
    EXPECT_TRUE(path == ".metadata.creationTimestamp" || field_at(schema, path) != nullptr) << path;
    if (!column.contains("priority")) shown.push_back(column.at("name"));
  }
  EXPECT_THAT(shown, testing::ElementsAre("Addresses", "Owner", "State", "Since", "Reason"));
  for (const auto& field : version.at("selectableFields")) {
    const auto* of_schema = field_at(schema, field.at("jsonPath"));
    ASSERT_NE(of_schema, nullptr) << field;
    EXPECT_THAT(of_schema->at("type"), testing::AnyOf("string", "integer", "boolean")) << field;
  }
  EXPECT_TRUE(version.at("subresources").contains("status"));
}

}  // namespace
}  // namespace vipra
