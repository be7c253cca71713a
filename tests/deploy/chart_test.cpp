// The chart, judged by helm 3 and helm 4 (scripts/helm-binaries gets them): it lints, renders the same with
// both, and what is committed under deploy/manifests is what it renders. VIPRA_UPDATE_GOLDEN=1 writes that
// anew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "source/yaml.hpp"

namespace vipra::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const std::filesystem::path kSource{VIPRA_SOURCE_DIR};
const std::string kChart = kSource / "deploy/helm/vipra";

struct Outcome {
  int status = -1;
  std::string out;  // both streams when it failed, else the standard output
};

Outcome run(const std::string& command) {
  Outcome outcome;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> piece{};
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    outcome.out.append(piece.data(), got);
  const int status = ::pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

// Helm itself asks for a home; nothing of the caller's configuration may matter.
std::string helm(int major) {
  static const std::string folder = [] {
    auto found = run(std::string{VIPRA_SOURCE_DIR} + "/scripts/helm-binaries 2>/dev/null");
    if (!found.out.empty()) found.out.pop_back();
    return found.status == 0 ? found.out : std::string{};
  }();
  return "env HELM_CONFIG_HOME=/nonexistent HELM_CACHE_HOME=/nonexistent HELM_DATA_HOME=/nonexistent "
         "KUBECONFIG=/dev/null " +
         folder + "/helm" + std::to_string(major) + ' ';
}

Outcome render(int major, const std::string& arguments = "") {
  return run(helm(major) + "template vipra " + kChart + " --namespace vipra-system " + arguments + " 2>&1");
}

std::vector<json> objects(const std::string& text) {
  auto documents = source::parse_yaml(text);
  EXPECT_FALSE(documents.error) << documents.error->message;
  std::erase_if(documents.all, [](const json& object) { return object.is_null(); });
  return documents.all;
}

json object(const std::string& text, const std::string& kind, const std::string& name) {
  for (auto& one : objects(text)) {
    if (one.at("kind") == kind && one.at("metadata").at("name") == name) return one;
  }
  ADD_FAILURE() << "no " << kind << ' ' << name;
  return {};
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

class Chart : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Helm, Chart, testing::Values(3, 4));

TEST_P(Chart, Lints) {
  const auto outcome = run(helm(GetParam()) + "lint --strict " + kChart + " 2>&1");
  EXPECT_EQ(outcome.status, 0) << outcome.out << "127: scripts/helm-binaries could not get helm";
}

TEST_P(Chart, CommittedManifestsAreWhatItRenders) {
  const auto rendered = render(GetParam(), "--set namespace.create=true");
  ASSERT_EQ(rendered.status, 0) << rendered.out;
  const auto path = kSource / "deploy/manifests/install.yaml";
  const std::string wanted =
      "# Generated: helm template vipra deploy/helm/vipra --namespace vipra-system --set "
      "namespace.create=true\n" +
      rendered.out;
  if (std::getenv("VIPRA_UPDATE_GOLDEN") != nullptr) std::ofstream{path, std::ios::binary} << wanted;
  EXPECT_TRUE(read(path) == wanted) << path << " is not up to date: VIPRA_UPDATE_GOLDEN=1 writes it anew";
}

TEST_P(Chart, SchemaRefusesBadValues) {
  for (const auto* bad :
       {"--set agent.realtime=perhaps", "--set controler.replicas=2", "--set controller.replicas=0",
        "--set control.port=70000", "--set logLevel=loud", "--set apiServer.endpoints={192.0.2.1}",
        "--set apiServer.endpoints={https://192.0.2.1:6443}", "--set image.tag=a/b",
        "--set agent.terminationGracePeriodSeconds=5", "--set agent.stateHostPath=/",
        "--set agent.announceBurst=0", "--set agent.announceRate=1.5", "--set control.resources.limits=null",
        "--set agent.updateStrategy.type=Recreate"}) {
    const auto outcome = render(GetParam(), bad);
    EXPECT_NE(outcome.status, 0) << bad;
    EXPECT_THAT(outcome.out, HasSubstr("chema"))
        << bad;  // "values don't meet the specifications of the schema(s)"
  }
}

TEST_P(Chart, RendersWithEverythingSwitchedOn) {
  const auto rendered = render(
      GetParam(),
      "--set agent.realtime=true --set podMonitor.enabled=true --set prometheusRule.enabled=true "
      "--set dashboard.enabled=true --set 'apiServer.endpoints={192.0.2.1:6443,[2001:db8::1]:6443}' "
      "--set agent.announceBurst=5 --set agent.announceRate=100000 "
      "--set controller.tls.existingSecret=mine --set imagePullSecrets={pull} --set agent.podLabels.a=b");
  ASSERT_EQ(rendered.status, 0) << rendered.out;
  std::multiset<std::string> kinds;
  for (const auto& one : objects(rendered.out)) kinds.insert(one.at("kind"));
  EXPECT_EQ(kinds.count("PodMonitor"), 2u);
  EXPECT_EQ(kinds.count("PrometheusRule"), 1u);
  EXPECT_EQ(kinds.count("Secret"), 0u) << "the user has one";
  const auto rules = object(rendered.out, "PrometheusRule", "vipra");
  EXPECT_GE(rules.at("spec").at("groups").at(0).at("rules").size(), 10u);
  const auto dashboard = object(rendered.out, "ConfigMap", "vipra-dashboard");
  EXPECT_EQ(json::parse(dashboard.at("data").at("vipra.json").get<std::string>()),
            json::parse(read(kSource / "deploy/dashboards/vipra.json")));
  const auto pod = object(rendered.out, "DaemonSet", "vipra-agent").at("spec").at("template").at("spec");
  const auto& agent = pod.at("containers").at(0);
  EXPECT_THAT(agent.at("securityContext").at("capabilities").at("add"),
              ElementsAre("NET_ADMIN", "NET_RAW", "SYS_NICE", "IPC_LOCK"));
  EXPECT_THAT(agent.at("args"),
              testing::IsSupersetOf({"--realtime=auto", "--announce-burst=5", "--announce-rate=100000"}));
  EXPECT_THAT(pod.at("containers").at(1).at("args"), testing::Contains("--api-endpoint=[2001:db8::1]:6443"));
  EXPECT_EQ(pod.at("imagePullSecrets"), json::parse(R"([{"name": "pull"}])"));
}

std::string default_page() {
  static const auto rendered = render(4);
  EXPECT_EQ(rendered.status, 0) << rendered.out;
  return rendered.out;
}

TEST(ChartDefaults, TheVersionIsTheProjects) {
  const auto chart = objects(read(kChart + "/Chart.yaml")).at(0);
  EXPECT_EQ(chart.at("appVersion"), VIPRA_VERSION);
  EXPECT_EQ(chart.at("version"), VIPRA_VERSION);
}

TEST(ChartDefaults, EveryContainerHasTheLeastThatItNeeds) {
  for (const auto& one : objects(default_page())) {
    if (one.at("kind") != "DaemonSet" && one.at("kind") != "Deployment") continue;
    const auto pod = one.at("spec").at("template").at("spec");
    auto containers = pod.at("containers");
    for (const auto& init : pod.value("initContainers", json::array())) containers.push_back(init);
    for (const auto& container : containers) {
      const std::string name = container.at("name");
      const auto& security = container.at("securityContext");
      EXPECT_EQ(security.at("readOnlyRootFilesystem"), true) << name;
      EXPECT_EQ(security.at("allowPrivilegeEscalation"), false) << name;
      EXPECT_EQ(security.at("capabilities").at("drop"), json::array({"ALL"})) << name;
      const auto added = security.at("capabilities").value("add", json::array());
      EXPECT_EQ(added, name == "agent" ? json::array({"NET_ADMIN", "NET_RAW"}) : json::array()) << name;
      EXPECT_EQ(container.at("resources").value("limits", json::object()).contains("memory"), name != "agent")
          << name;
      const auto user = security.contains("runAsUser") ? security : pod.at("securityContext");
      EXPECT_EQ(user.at("runAsUser"), name == "control" || name == "controller" ? 65532 : 0) << name;
    }
  }
}

TEST(ChartDefaults, ThePodIsAsTheAgentsNeedIt) {
  const auto daemon_set = object(default_page(), "DaemonSet", "vipra-agent");
  const auto pod = daemon_set.at("spec").at("template").at("spec");
  EXPECT_EQ(pod.at("hostNetwork"), true);
  EXPECT_EQ(pod.at("automountServiceAccountToken"), false);
  EXPECT_GT(pod.at("terminationGracePeriodSeconds"), 45);
  EXPECT_FALSE(pod.at("containers").at(0).contains("livenessProbe"));
  for (const auto& mount : pod.at("containers").at(0).at("volumeMounts")) EXPECT_EQ(mount.at("name"), "run");
  const auto& control = pod.at("containers").at(1);
  EXPECT_EQ(control.at("livenessProbe").at("httpGet").at("path"), "/livez");
  EXPECT_EQ(control.at("readinessProbe").at("httpGet").at("path"), "/readyz");
  const auto token = pod.at("volumes").at(3).at("projected").at("sources").at(0).at("serviceAccountToken");
  EXPECT_EQ(token.at("audience"), "vipra-controller");
}

// "resource: verbs", with the names that a rule is limited to.
std::multiset<std::string> rules_of(const std::string& kind, const std::string& name) {
  std::multiset<std::string> out;
  const auto role = object(default_page(), kind, name);
  for (const auto& rule : role.at("rules")) {
    for (const std::string resource : rule.at("resources")) {
      std::string text = resource;
      for (const std::string only : rule.value("resourceNames", json::array())) text += '/' + only;
      text += ':';
      for (const std::string verb : rule.at("verbs")) text += ' ' + verb;
      out.insert(text);
    }
  }
  return out;
}

TEST(ChartDefaults, AgentsMayReadAndNothingElse) {
  EXPECT_THAT(rules_of("ClusterRole", "vipra-agent"),
              UnorderedElementsAre("virtualips: get list watch", "nodes: get list watch",
                                   "endpointslices: get list watch"));
  EXPECT_THAT(rules_of("Role", "vipra-agent"),
              UnorderedElementsAre("configmaps/vipra-controller-ca: get list watch"));
}

TEST(ChartDefaults, TheControllerMayWriteWhatIsItsOwn) {
  EXPECT_THAT(rules_of("ClusterRole", "vipra-controller"),
              UnorderedElementsAre("virtualips: list watch", "virtualips/status: patch", "nodes: list watch",
                                   "tokenreviews: create"));
  EXPECT_THAT(rules_of("Role", "vipra-controller"),
              UnorderedElementsAre("leases: create", "leases/vipra-controller: get update",
                                   "secrets/vipra-controller-tls: get list watch update",
                                   "configmaps/vipra-controller-ca: get list watch patch"));
  EXPECT_THAT(rules_of("Role", "vipra-controller-events"), UnorderedElementsAre("events: create patch"));
}

// An upgrade merges what the chart names into what is there: nothing may be named.
TEST(ChartDefaults, WhatTheControllerFillsIsEmptyInTheChart) {
  for (const auto& [kind, name] :
       {std::pair{"Secret", "vipra-controller-tls"}, {"ConfigMap", "vipra-controller-ca"}}) {
    const auto one = object(default_page(), kind, name);
    EXPECT_FALSE(one.contains("data") || one.contains("stringData")) << kind;
  }
}

TEST(ChartDefaults, TheCustomResourceStaysWhenTheReleaseGoes) {
  const auto definition = object(default_page(), "CustomResourceDefinition", "virtualips.vipra.dev");
  EXPECT_EQ(definition.at("metadata").at("annotations").at("helm.sh/resource-policy"), "keep");
  const auto committed = objects(read(kSource / "deploy/manifests/crds/vipra.dev_virtualips.yaml")).at(0);
  EXPECT_EQ(definition.at("spec"), committed.at("spec"));
}

}  // namespace
}  // namespace vipra::test
