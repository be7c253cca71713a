// The CustomResourceDefinition before a real API server: it is accepted (with the cost of its rules),
// explains every field, judges the corpus as the agent's parser does, and sets the same defaults.
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "definitions/parse.hpp"
#include "source/yaml.hpp"
#include "tests/cluster/api_fixture.hpp"

namespace vipra::lab::kube {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const fs::path kSource{VIPRA_SOURCE_DIR};
const fs::path kCorpus = kSource / "tests/corpus/virtualip";

std::string read(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

json read_yaml(const fs::path& path) {
  auto documents = source::parse_yaml(read(path));
  EXPECT_FALSE(documents.error) << path;
  return documents.all.at(0);
}

// One server for all: nothing here changes what another test sees, but for the objects that it names itself.
class CustomResource : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = start_api();
    ASSERT_OK(made);
    api_ = std::move(*made);
    ASSERT_OK(api_->apply(read(kSource / "deploy/manifests/crds/vipra.dev_virtualips.yaml")));
    const auto waited =
        kubectl({"wait", "--for=condition=Established", "--timeout=60s", "crd/virtualips.vipra.dev"});
    ASSERT_EQ(waited.exit_status, 0) << waited.out;
  }
  static void TearDownTestSuite() { api_.reset(); }

  static CommandOutput kubectl(const std::vector<std::string>& arguments, std::string_view input = {}) {
    auto output = api_->kubectl(arguments, input, std::chrono::seconds{90});
    return output ? *output : CommandOutput{-1, output.error().what};
  }
  // As `kubectl apply` would, with unknown fields refused; without the discovery that would take most of the
  // time.
  static CommandOutput create(const json& object, bool dry_run) {
    std::string path = "/apis/vipra.dev/v1alpha1/virtualips?fieldValidation=Strict";
    if (dry_run) path += "&dryRun=All";
    return kubectl({"create", "--raw", path, "-f", "-"}, object.dump());
  }

  static std::unique_ptr<ApiServer> api_;
};
std::unique_ptr<ApiServer> CustomResource::api_;

TEST_F(CustomResource, IsAcceptedAsStructuralWithItsRules) {
  const auto shown = kubectl({"get", "crd", "virtualips.vipra.dev", "-o", "json"});
  ASSERT_EQ(shown.exit_status, 0) << shown.out;
  const auto definition = json::parse(shown.out);
  for (const auto& condition : definition.at("status").at("conditions")) {
    const bool wanted =
        condition.at("type") != "NonStructuralSchema" && condition.at("type") != "Terminating";
    EXPECT_EQ(condition.at("status"), wanted ? "True" : "False") << condition;
  }
  EXPECT_EQ(definition.at("spec").at("names").at("shortNames"), json::parse(R"(["vip"])"));
  // Nothing of it was dropped on the way.
  const auto sent = read_yaml(kSource / "deploy/manifests/crds/vipra.dev_virtualips.yaml");
  const auto& version = definition.at("spec").at("versions").at(0);
  EXPECT_EQ(version.at("schema"), sent.at("spec").at("versions").at(0).at("schema"));
  EXPECT_EQ(version.at("selectableFields"), sent.at("spec").at("versions").at(0).at("selectableFields"));
}

// The text without line breaks and indentation, as kubectl may have broken it anywhere.
std::string unfolded(const std::string& text) {
  std::istringstream words{text};
  std::string out;
  for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

struct Explained {
  std::string place;
  const json* schema;
};

// Every object of the schema, whose fields one `kubectl explain` shows.
void collect(const json& schema, const std::string& place, std::vector<Explained>& out) {
  if (schema.contains("items")) return collect(schema.at("items"), place, out);
  if (!schema.contains("properties")) return;
  out.push_back({place, &schema});
  for (const auto& [name, child] : schema.at("properties").items()) collect(child, place + '.' + name, out);
}

TEST_F(CustomResource, EveryFieldIsExplained) {
  const auto schema = read_yaml(kSource / "api/crd/virtualip.schema.yaml");
  std::vector<Explained> objects;
  for (const auto* part : {"spec", "status"}) {
    collect(schema.at("properties").at(part), std::string{"virtualips."} + part, objects);
  }
  ASSERT_GE(objects.size(), 15u);
  // The server publishes what explain reads a little after the definition is established.
  ASSERT_TRUE(wait_until([] { return kubectl({"explain", "virtualips"}).exit_status == 0; },
                         std::chrono::seconds{60}, std::chrono::milliseconds{200}));
  int fields = 0;
  for (const auto& [place, object] : objects) {
    const auto output = kubectl({"explain", place});
    ASSERT_EQ(output.exit_status, 0) << place << ": " << output.out;
    const auto said = unfolded(output.out);
    for (const auto& [name, child] : object->at("properties").items()) {
      ++fields;
      EXPECT_THAT(said, HasSubstr(name + " <")) << place;
      EXPECT_THAT(said, HasSubstr(unfolded(child.at("description").get<std::string>())))
          << place << '.' << name;
    }
  }
  EXPECT_GE(fields, 80);
}

// "folder/file.yaml verdict reason": where the API server may judge otherwise than the agent.
std::map<std::string, std::string> listed_differences() {
  std::map<std::string, std::string> out;
  std::istringstream lines{read(kCorpus / "api-server-differs.txt")};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words{line};
    std::string file, verdict, reason;
    words >> file >> verdict;
    std::getline(words, reason);
    EXPECT_GE(reason.size(), 10u) << "no reason: " << line;
    out[file] = verdict;
  }
  return out;
}

TEST_F(CustomResource, JudgesTheCorpusAsTheAgentDoes) {
  auto differences = listed_differences();
  int judged = 0;
  for (const auto* folder : {"good", "bad"}) {
    for (const auto& entry : fs::directory_iterator{kCorpus / folder}) {
      const auto name = std::string{folder} + '/' + entry.path().filename().string();
      const auto object = read_yaml(entry.path());
      const auto output = create(object, true);
      const std::string verdict = output.exit_status == 0 ? "accepted" : "refused";
      std::string wanted = definitions::parse_virtual_ip(object).spec ? "accepted" : "refused";
      if (const auto listed = differences.find(name); listed != differences.end()) {
        EXPECT_NE(listed->second, wanted) << name << " is listed, but there is no difference";
        wanted = listed->second;
        differences.erase(listed);
      }
      EXPECT_EQ(verdict, wanted) << name << ": " << output.out.substr(0, 600);
      // A refusal is about the object, and not about how it was asked.
      if (verdict == "refused") {
        EXPECT_THAT(output.out, Not(HasSubstr("refused - did you specify"))) << name;
        EXPECT_THAT(output.out, Not(HasSubstr("Unable to connect"))) << name;
      }
      ++judged;
    }
  }
  EXPECT_GE(judged, 120);
  for (const auto& [name, verdict] : differences) ADD_FAILURE() << "listed, but not in the corpus: " << name;
}

TEST_F(CustomResource, SetsTheDefaultsThatTheAgentSets) {
  int compared = 0;
  for (const auto& entry : fs::directory_iterator{kCorpus / "good"}) {
    auto object = read_yaml(entry.path());
    const auto output = create(object, true);
    if (output.exit_status != 0) continue;  // judged above
    const auto created = json::parse(output.out);
    definitions::apply_defaults(object);
    EXPECT_EQ(created.at("spec"), object.at("spec")) << entry.path();
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

json virtual_ip(const std::string& name, int vrid, const std::string& address) {
  return {{"apiVersion", "vipra.dev/v1alpha1"},
          {"kind", "VirtualIP"},
          {"metadata", {{"name", name}}},
          {"spec", {{"addresses", {address}}, {"vrrp", {{"virtualRouterID", vrid}}}}}};
}

TEST_F(CustomResource, ColumnsShowTheStatusAndFieldsSelect) {
  for (const auto& object : {virtual_ip("web", 51, "192.0.2.10"), virtual_ip("db", 52, "192.0.2.20")}) {
    const auto output = create(object, false);
    ASSERT_EQ(output.exit_status, 0) << output.out;
  }
  // In the past by more than a minute, so that the age is whole.
  const std::string patch = R"({"status": {"owner": "node-b", "state": "Owned", "reason": "MasterSilent",
                                          "ownerSince": "2020-01-01T00:00:00Z"}})";
  const auto patched = kubectl({"patch", "vip", "web", "--subresource=status", "--type=merge", "-p", patch});
  ASSERT_EQ(patched.exit_status, 0) << patched.out;

  std::istringstream table{kubectl({"get", "vip", "web"}).out};
  std::string head, row;
  std::getline(table, head);
  std::getline(table, row);
  EXPECT_EQ(unfolded(head), "NAME ADDRESSES OWNER STATE SINCE REASON");
  EXPECT_THAT(row, testing::MatchesRegex(
                       R"(web +\["192\.0\.2\.10"\] +node-b +Owned +[0-9]+y[0-9a-z]* +MasterSilent *)"));

  const auto selected = [](const std::string& selector) {
    return unfolded(kubectl({"get", "vipra", "-o", "name", "--field-selector", selector}).out);
  };
  EXPECT_EQ(selected("spec.vrrp.virtualRouterID=52"), "virtualip.vipra.dev/db");
  EXPECT_EQ(selected("status.owner=node-b"), "virtualip.vipra.dev/web");
  EXPECT_EQ(selected("status.state=Owned,status.owner!=node-b"), "");
}

}  // namespace
}  // namespace vipra::lab::kube
