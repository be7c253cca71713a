#include "kube/access.hpp"

#include <gtest/gtest.h>

#include "tests/kube/kube_fixture.hpp"

namespace vipra::kube {
namespace {

namespace fs = std::filesystem;

using Access = kube::Access;

TEST(ParseServer, TakesHostsAddressesAndUrls) {
  EXPECT_EQ(parse_server("10.0.0.1").value(), (Server{"10.0.0.1", 6443, ""}));
  EXPECT_EQ(parse_server("cp.example:7443").value(), (Server{"cp.example", 7443, ""}));
  EXPECT_EQ(parse_server("https://cp.example").value(), (Server{"cp.example", 443, ""}));
  EXPECT_EQ(parse_server("https://[fd00::1]:6443").value(), (Server{"fd00::1", 6443, ""}));
  EXPECT_EQ(parse_server("fd00::1").value(), (Server{"fd00::1", 6443, ""}));
  EXPECT_EQ(parse_server("[fd00::1]").value(), (Server{"fd00::1", 6443, ""}));
  EXPECT_EQ(parse_server("https://proxy/k8s/clusters/c-1/").value(),
            (Server{"proxy", 443, "/k8s/clusters/c-1"}));
  EXPECT_EQ(to_string(Server{"fd00::1", 6443, "/x"}), "[fd00::1]:6443/x");
}

TEST(ParseServer, RefusesTheRest) {
  for (const char* text : {"", "http://10.0.0.1", "https://", "a:0", "a:65536", "a:x", "a:", "[::1", "[::1]x",
                           "[10.0.0.1]", "a b", "a\n", "user@host", "a:1:2", "https://a/ b"}) {
    EXPECT_FALSE(parse_server(text)) << text;
  }
}

class AccessTest : public test::KubeTest {
 protected:
  std::string kubeconfig(const std::string& user,
                         const std::string& cluster = "certificate-authority: ca.crt") {
    return write("config",
                 "apiVersion: v1\nkind: Config\ncurrent-context: one\n"
                 "contexts:\n- name: other\n  context: {cluster: nowhere, user: me}\n"
                 "- name: one\n  context: {cluster: here, user: me, namespace: mine}\n"
                 "clusters:\n- name: here\n  cluster:\n    server: https://[::1]:6443\n    " +
                     cluster + "\nusers:\n- name: me\n  user: " + user + "\n");
  }
};

TEST_F(AccessTest, InClusterReadsTheServiceAccountsFolder) {
  write("namespace", "vipra-system\n");
  const auto got = in_cluster("fd00::1", "443", folder);
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->servers, (std::vector<Server>{{"fd00::1", 443, ""}}));
  EXPECT_EQ(got->token.read().value(), "first-token\n");
  EXPECT_EQ(got->ca.read().value(), authority.certificate());
  EXPECT_EQ(got->name_space, "vipra-system");
}

TEST_F(AccessTest, InClusterSaysWhatIsMissing) {
  EXPECT_EQ(in_cluster("", "443", folder).error().code, Errc::kNotFound);
  EXPECT_FALSE(in_cluster("10.0.0.1", "0", folder));
  EXPECT_FALSE(in_cluster("evil/../", "443", folder));
  fs::remove(folder / "token");
  EXPECT_NE(in_cluster("10.0.0.1", "443", folder).error().what.find("token"), std::string::npos);
}

TEST_F(AccessTest, KubeconfigWithATokenOrItsFile) {
  const auto got = from_kubeconfig(kubeconfig("{token: abc}"));
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->servers, (std::vector<Server>{{"::1", 6443, ""}}));
  EXPECT_EQ(got->token.data, "abc");
  EXPECT_EQ(got->name_space, "mine");
  EXPECT_EQ(got->ca.read().value(), authority.certificate());
  EXPECT_EQ(from_kubeconfig(kubeconfig("{token: abc, tokenFile: token}"))->token.file,
            (folder / "token").string());
}

TEST_F(AccessTest, KubeconfigWithInlineData) {
  const auto got = from_kubeconfig(
      kubeconfig("{client-certificate-data: Y2VydA==, client-key-data: a2V5, client-key: ignored}",
                 "certificate-authority-data: Y2E=\n    tls-server-name: api.example"));
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->client_certificate.data, "cert");
  EXPECT_EQ(got->client_key.data, "key");
  EXPECT_EQ(got->ca.data, "ca");
  EXPECT_EQ(got->server_name, "api.example");
}

TEST_F(AccessTest, KubeconfigRefusesByName) {
  const auto refused = [&](const std::string& user, const std::string& word,
                           const std::string& cluster = "certificate-authority: ca.crt") {
    const auto got = from_kubeconfig(kubeconfig(user, cluster));
    ASSERT_FALSE(got) << user;
    EXPECT_NE(got.error().what.find(word), std::string::npos) << got.error().what;
    EXPECT_EQ(got.error().what.find("s3cret"), std::string::npos);
  };
  refused("{exec: {command: aws, env: [{name: X, value: s3cret}]}}", "exec");
  refused("{auth-provider: {name: oidc}}", "auth-provider");
  refused("{username: me, password: s3cret}", "username");
  refused("{token: s3cret, as: root}", "as");
  refused("{client-certificate: x}", "client-key");
  refused("{client-certificate-data: '*', client-key: x}", "base64");
  refused("{}", "insecure-skip-tls-verify", "insecure-skip-tls-verify: true");
  refused("{}", "proxy-url", "proxy-url: socks5://x");
  refused("{}", "certificate-authority", "extra: 1");
  EXPECT_FALSE(from_kubeconfig(kubeconfig("{token: x}"), "absent"));
  EXPECT_FALSE(from_kubeconfig(kubeconfig("{token: x}"), "other"));
  EXPECT_FALSE(from_kubeconfig(folder / "absent"));
  EXPECT_FALSE(from_kubeconfig(write("config", "{token: [s3cret")));
  EXPECT_FALSE(from_kubeconfig(write("config", "[]")));
}

TEST_F(AccessTest, EndpointsReplaceTheServersInTheirOrder) {
  Access old;
  old.servers = {{"old", 443, ""}};
  EXPECT_EQ(with_endpoints(old, {})->servers, old.servers);
  EXPECT_EQ(with_endpoints(old, {"10.0.0.2", "[::1]:7443", "10.0.0.2:6443"})->servers,
            (std::vector<Server>{{"10.0.0.2", 6443, ""}, {"::1", 7443, ""}}));
  EXPECT_FALSE(with_endpoints(old, {"http://x"}));
}

}  // namespace
}  // namespace vipra::kube
