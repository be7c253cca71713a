// What `kubectl apply -f deploy/manifests/install.yaml` makes on a real API server: everything is accepted,
// the agents' token may do what agents do and nothing else, and what the controller has filled stays when it
// is applied again.
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/cluster/api_fixture.hpp"

namespace vipra::lab::kube {
namespace {

using testing::HasSubstr;

std::string install_manifests() {
  std::ifstream file{VIPRA_SOURCE_DIR "/deploy/manifests/install.yaml", std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

class Install : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = start_api();
    ASSERT_OK(made);
    api_ = std::move(*made);
    const auto applied =
        kubectl({"apply", "--server-side", "--validate=strict", "-f", "-"}, install_manifests());
    ASSERT_EQ(applied.exit_status, 0) << applied.out;
    const auto waited =
        kubectl({"wait", "--for=condition=Established", "--timeout=60s", "crd/virtualips.vipra.dev"});
    ASSERT_EQ(waited.exit_status, 0) << waited.out;
  }
  static void TearDownTestSuite() { api_.reset(); }

  static CommandOutput kubectl(const std::vector<std::string>& arguments, std::string_view input = {}) {
    auto output = api_->kubectl(arguments, input, std::chrono::seconds{90});
    return output ? *output : CommandOutput{-1, output.error().what};
  }
  // A request with a token of this service account, as its pods have one.
  static bool may(const std::string& account, const std::string& verb, const std::string& resource,
                  const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"auth", "can-i", verb, resource, "--token=" + token(account)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto output = kubectl(arguments);
    EXPECT_THAT(output.out, testing::AnyOf(HasSubstr("yes"), HasSubstr("no"))) << output.out;
    return output.exit_status == 0;
  }
  static std::string token(const std::string& account) {
    static std::map<std::string, std::string> known;
    auto& kept = known[account];
    if (kept.empty()) {
      kept = kubectl({"create", "token", account, "-n", "vipra-system"}).out;
      while (!kept.empty() && kept.back() == '\n') kept.pop_back();
    }
    return kept;
  }

  static std::unique_ptr<ApiServer> api_;
};
std::unique_ptr<ApiServer> Install::api_;

TEST_F(Install, AgentsReadWhatTheyNeed) {
  for (const auto* resource : {"virtualips.vipra.dev", "nodes", "endpointslices.discovery.k8s.io"}) {
    for (const auto* verb : {"get", "list", "watch"})
      EXPECT_TRUE(may("vipra-agent", verb, resource)) << verb << resource;
  }
  EXPECT_TRUE(may("vipra-agent", "get", "configmaps/vipra-controller-ca", {"-n", "vipra-system"}));
}

TEST_F(Install, AgentsWriteNothingAndReadNoSecret) {
  for (const auto* verb : {"create", "update", "patch", "delete", "deletecollection"}) {
    for (const auto* resource : {"virtualips.vipra.dev", "nodes", "pods", "configmaps", "secrets", "events",
                                 "leases.coordination.k8s.io", "endpointslices.discovery.k8s.io"}) {
      EXPECT_FALSE(may("vipra-agent", verb, resource, {"-n", "vipra-system"})) << verb << ' ' << resource;
    }
  }
  for (const auto* verb : {"update", "patch"}) {
    EXPECT_FALSE(may("vipra-agent", verb, "virtualips.vipra.dev", {"--subresource=status"})) << verb;
    EXPECT_FALSE(may("vipra-agent", verb, "nodes", {"--subresource=status"})) << verb;
  }
  for (const auto* verb : {"get", "list", "watch"}) {
    EXPECT_FALSE(may("vipra-agent", verb, "secrets", {"-n", "vipra-system"})) << verb;
    EXPECT_FALSE(may("vipra-agent", verb, "configmaps", {"-n", "vipra-system"})) << verb;
    EXPECT_FALSE(may("vipra-agent", verb, "pods", {"-A"})) << verb;
  }
  EXPECT_FALSE(may("vipra-agent", "create", "tokenreviews.authentication.k8s.io"));
  EXPECT_FALSE(
      may("vipra-agent", "create", "serviceaccounts", {"--subresource=token", "-n", "vipra-system"}));
}

// Not only by the word of the server's authorizer: by trying.
TEST_F(Install, AnAgentThatTriesIsTurnedAway) {
  const auto token_flag = "--token=" + token("vipra-agent");
  const auto listed = kubectl({"get", "vip", token_flag});
  EXPECT_EQ(listed.exit_status, 0) << listed.out;
  const auto patched =
      kubectl({"patch", "crd", "virtualips.vipra.dev", "--type=merge", "-p", "{}", token_flag});
  EXPECT_THAT(patched.out, HasSubstr("orbidden"));
  const auto secret = kubectl({"get", "secret", "vipra-controller-tls", "-n", "vipra-system", token_flag});
  EXPECT_THAT(secret.out, HasSubstr("orbidden"));
  const auto status = kubectl(
      {"patch", "vip", "none", "--subresource=status", "--type=merge", "-p", R"({"status":{}})", token_flag});
  EXPECT_THAT(status.out, HasSubstr("orbidden"));
}

TEST_F(Install, TheControllerWritesStatusAndWhatIsItsOwn) {
  const std::vector<std::string> here{"-n", "vipra-system"};
  EXPECT_TRUE(may("vipra-controller", "patch", "virtualips.vipra.dev", {"--subresource=status"}));
  EXPECT_TRUE(may("vipra-controller", "update", "leases.coordination.k8s.io/vipra-controller", here));
  EXPECT_TRUE(may("vipra-controller", "update", "secrets/vipra-controller-tls", here));
  EXPECT_TRUE(may("vipra-controller", "create", "tokenreviews.authentication.k8s.io"));
  EXPECT_TRUE(may("vipra-controller", "create", "events.events.k8s.io", {"-n", "default"}));
  EXPECT_FALSE(may("vipra-controller", "patch", "virtualips.vipra.dev"));
  EXPECT_FALSE(may("vipra-controller", "delete", "virtualips.vipra.dev"));
  EXPECT_FALSE(may("vipra-controller", "get", "secrets", here));
  EXPECT_FALSE(may("vipra-controller", "update", "leases.coordination.k8s.io/other", here));
}

TEST_F(Install, WhatTheControllerFilledStays) {
  const std::vector<std::pair<std::string, std::string>> filled{
      {"secret/vipra-controller-tls", R"({"data":{"tls.crt":"Y2VydA=="}})"},
      {"configmap/vipra-controller-ca", R"({"data":{"ca.crt":"cert"}})"}};
  for (const auto& [name, patch] : filled) {
    const auto output = kubectl({"patch", name, "-n", "vipra-system", "--type=merge", "-p", patch});
    ASSERT_EQ(output.exit_status, 0) << output.out;
  }
  for (const auto* how : {"--server-side=true", "--server-side=false"}) {
    std::vector<std::string> arguments{"apply", how, "-f", "-"};
    if (std::string{how} == "--server-side=true") arguments.emplace_back("--force-conflicts");
    const auto output = kubectl(arguments, install_manifests());
    ASSERT_EQ(output.exit_status, 0) << output.out;
    for (const auto& [name, patch] : filled) {
      const auto now = nlohmann::json::parse(kubectl({"get", name, "-n", "vipra-system", "-o", "json"}).out);
      EXPECT_EQ(now.value("data", nlohmann::json{}), nlohmann::json::parse(patch).at("data"))
          << how << ' ' << name;
    }
  }
}

}  // namespace
}  // namespace vipra::lab::kube
