// The API server of the lab, judged with kubectl.
#include <signal.h>

#include "lab/kube/files.hpp"
#include "lab/processes.hpp"
#include "tests/cluster/api_fixture.hpp"

namespace vipra::lab::kube {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using s = std::chrono::seconds;
using Part = ApiServer::Part;

constexpr const char* kDefinition = R"yaml(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.lab.example}
spec:
  group: lab.example
  scope: Cluster
  names: {kind: Thing, plural: things, singular: thing, shortNames: [th]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns: [{name: Address, type: string, jsonPath: .spec.address}]
    selectableFields: [{jsonPath: .spec.address}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              address:
                type: string
                maxLength: 64
                x-kubernetes-validations: [{rule: "isIP(self)", message: "must be an IP address"}]
)yaml";

std::string thing(const std::string& name, const std::string& address) {
  return "apiVersion: lab.example/v1\nkind: Thing\nmetadata: {name: " + name + "}\nspec: {address: '" +
         address + "'}\n";
}
std::string config_map(const std::string& name) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: default}\n";
}

struct ApiServerTest : testing::Test {
  void SetUp() override {
    auto made = start_api({{"reader", {"readers"}}, {"nobody", {}}});
    ASSERT_OK(made);
    api_ = std::move(*made);
  }
  std::unique_ptr<ApiServer> api_;
};

TEST_F(ApiServerTest, IsReadyAndOfTheRightVersion) {
  EXPECT_TRUE(api_->ready());
  EXPECT_THAT(said(api_->kubectl({"version"})), HasSubstr("Server Version: v1."));
  EXPECT_THAT(said(api_->kubectl({"get", "--raw", "/livez"})), StartsWith("ok"));
}

TEST_F(ApiServerTest, AcceptsADefinitionWithCelAndObeysIt) {
  ASSERT_OK(api_->apply(kDefinition));
  ASSERT_EQ(said(api_->kubectl({"wait", "--for=condition=Established", "crd/things.lab.example"})),
            "customresourcedefinition.apiextensions.k8s.io/things.lab.example condition met\n");
  // The path of a new kind appears a moment after the condition.
  ASSERT_TRUE(wait_until([&] { return api_->apply(thing("good", "2001:db8::1")).has_value(); }, s{20}));
  const auto bad = api_->apply(thing("bad", "10.0.0.256"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().what, HasSubstr("must be an IP address"));
  EXPECT_THAT(said(api_->kubectl({"get", "th", "--field-selector", "spec.address=2001:db8::1"})),
              HasSubstr("good"));
}

TEST_F(ApiServerTest, UsersMayDoWhatTheirRolesSayAndNoMore) {
  ASSERT_EQ(
      said(api_->kubectl({"create", "clusterrole", "reading", "--verb=get,list", "--resource=configmaps"})),
      "clusterrole.rbac.authorization.k8s.io/reading created\n");
  ASSERT_EQ(said(api_->kubectl(
                {"create", "clusterrolebinding", "reading", "--clusterrole=reading", "--group=readers"})),
            "clusterrolebinding.rbac.authorization.k8s.io/reading created\n");
  const std::vector<std::string> list{"get", "configmaps", "-n", "default"};
  EXPECT_TRUE(wait_until([&] { return said(api_->kubectl_as("reader", list)).find("exit") != 0; }, s{10}));
  EXPECT_THAT(said(api_->kubectl_as("reader", {"apply", "-f", "-"}, config_map("mine"))),
              HasSubstr("Forbidden"));
  EXPECT_THAT(said(api_->kubectl_as("nobody", list)), HasSubstr("Forbidden"));
  EXPECT_THAT(said(api_->kubectl_as("reader", {"auth", "whoami"})), HasSubstr("readers"));
  // What happened stands in the audit log.
  const auto audit = [&] { return read_file(api_->audit_log()); };
  EXPECT_TRUE(wait_until([&] { return audit().find("\"username\":\"nobody\"") != std::string::npos; }, s{5}));
  EXPECT_THAT(audit(), HasSubstr("\"code\":403"));
}

TEST_F(ApiServerTest, TokensForServiceAccountsAreReviewed) {
  ASSERT_EQ(said(api_->kubectl({"create", "serviceaccount", "agent"})), "serviceaccount/agent created\n");
  auto token = said(api_->kubectl({"create", "token", "agent", "--audience=vipra-controller"}));
  while (!token.empty() && token.back() == '\n') token.pop_back();
  const std::string review =
      R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":")" + token +
      R"(","audiences":["vipra-controller"]}})";
  EXPECT_THAT(said(api_->kubectl({"create", "-o", "json", "-f", "-"}, review)),
              HasSubstr("\"username\": \"system:serviceaccount:default:agent\""));
}

TEST_F(ApiServerTest, StoppedAndStartedAgainItHasItsDataAndItsAddress) {
  const auto url = api_->url();
  ASSERT_OK(api_->apply(config_map("kept")));
  api_->stop(Part::kApi);
  api_->stop(Part::kEtcd);
  EXPECT_FALSE(api_->ready());
  ASSERT_OK(api_->start_part(Part::kEtcd));
  ASSERT_OK(api_->start_part(Part::kApi));
  ASSERT_OK(api_->wait_ready(s{60}));
  EXPECT_EQ(api_->url(), url);
  EXPECT_THAT(said(api_->kubectl({"get", "configmap", "kept"})), HasSubstr("kept"));
}

TEST_F(ApiServerTest, FrozenItIsSilentAndThenGoesOn) {
  ASSERT_OK(api_->apply(config_map("before")));
  const std::vector<std::string> ask{"get", "configmap", "before", "--request-timeout=1s"};
  api_->signal(Part::kApi, SIGSTOP);
  EXPECT_THAT(said(api_->kubectl(ask)), StartsWith("exit"));
  api_->signal(Part::kApi, SIGCONT);
  EXPECT_TRUE(wait_until([&] { return said(api_->kubectl(ask)).find("exit") != 0; }, s{20}));
  api_->signal(Part::kEtcd, SIGSTOP);
  EXPECT_THAT(said(api_->kubectl({"create", "configmap", "never", "--request-timeout=1s"})),
              StartsWith("exit"));
  api_->signal(Part::kEtcd, SIGCONT);
  ASSERT_OK(api_->wait_ready(s{30}));
  // Killed, not asked: what etcd has written is there.
  api_->kill(Part::kEtcd);
  ASSERT_OK(api_->start_part(Part::kEtcd));
  ASSERT_OK(api_->wait_ready(s{30}));
  EXPECT_TRUE(wait_until([&] { return said(api_->kubectl(ask)).find("exit") != 0; }, s{20}));
}

TEST_F(ApiServerTest, TwoSideBySideKnowNothingOfEachOtherAndLeaveNothing) {
  auto second = start_api();
  ASSERT_OK(second);
  EXPECT_NE(api_->url(), (*second)->url());
  ASSERT_OK(api_->apply(config_map("first")));
  ASSERT_OK((*second)->apply(config_map("second")));
  EXPECT_THAT(said(api_->kubectl({"get", "configmap", "second"})), HasSubstr("NotFound"));
  EXPECT_THAT(said((*second)->kubectl({"get", "configmap", "first"})), HasSubstr("NotFound"));
  const auto folder = (*second)->directory();
  second->reset();
  EXPECT_FALSE(fs::exists(folder));
  std::vector<pid_t> left;
  for (const pid_t pid : all_processes())
    for (const auto& word : read_process(pid).argv)
      if (word.find(folder.string()) != std::string::npos) left.push_back(pid);
  EXPECT_THAT(left, IsEmpty());
  EXPECT_TRUE(api_->ready());
}

TEST(ApiServer, ServesInsideANamespaceOnBothFamilies) {
  const auto binaries = Binaries::find(VIPRA_SOURCE_DIR, Level::kApi);
  ASSERT_OK(binaries);
  auto net = NetNamespace::make();
  ASSERT_OK(net);
  ASSERT_OK(must_run(*net, {"ip", "-batch", "-"},
                     "link add v0 type veth peer name v1\nlink set v0 up\nlink set v1 up\n"
                     "addr add 10.9.9.1/24 dev v0\naddr add 2001:db8:9::1/64 dev v0 nodad\n"));
  auto workspace = Workspace::make(false);
  ASSERT_OK(workspace);
  ASSERT_OK((*workspace)->guard({&*net}));
  Spawner spawner;
  const Place place{spawner, *net, (*workspace)->directory() / "api", (*workspace)->id()};
  const auto v6 = *IpAddress::parse("2001:db8:9::1");
  const auto api =
      ApiServer::start_in(place, {.binaries = *binaries, .addresses = {IpAddress::v4(10, 9, 9, 1), v6}});
  ASSERT_OK(api);
  EXPECT_EQ((*api)->url(), "https://10.9.9.1:6443");
  EXPECT_THAT(said((*api)->kubectl({"get", "--raw", "/readyz", "--server=https://[2001:db8:9::1]:6443"})),
              "ok");
}

}  // namespace
}  // namespace vipra::lab::kube
