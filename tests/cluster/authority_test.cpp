// Judged by openssl's own program.
#include "lab/kube/authority.hpp"

#include "lab/kube/files.hpp"
#include "lab/workspace.hpp"
#include "tests/cluster/api_fixture.hpp"

namespace vipra::lab::kube {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct AuthorityTest : testing::Test {
  void SetUp() override {
    auto workspace = Workspace::make(false);
    ASSERT_OK(workspace);
    workspace_ = std::move(*workspace);
    auto net = NetNamespace::make();
    ASSERT_OK(net);
    net_.emplace(std::move(*net));
  }
  std::string openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    return said(run_command(*net_, arguments));
  }
  std::string file(const std::string& name) { return (workspace_->directory() / name).string(); }

  std::unique_ptr<Workspace> workspace_;
  std::optional<NetNamespace> net_;
};

TEST_F(AuthorityTest, IssuedCertificatesVerifyWithTheirNamesAndWithNoOtherAuthority) {
  const auto ours = Authority::make("ours");
  const auto other = Authority::make("other");
  ASSERT_OK(ours);
  ASSERT_OK(other);
  const auto pair = ours->issue({.common_name = "server",
                                 .organizations = {"system:masters"},
                                 .dns_names = {"api.example"},
                                 .addresses = {IpAddress::v4(127, 0, 0, 1), *IpAddress::parse("::1")}});
  ASSERT_OK(pair);
  ASSERT_OK(write_key_pair(file("server"), *pair));
  ASSERT_OK(write_file(file("ours"), ours->certificate()));
  ASSERT_OK(write_file(file("other"), other->certificate()));
  const auto verify = [&](const char* ca, std::vector<std::string> more) {
    more.insert(more.begin(), {"verify", "-x509_strict", "-CAfile", file(ca)});
    more.push_back(file("server.crt"));
    return openssl(more);
  };
  EXPECT_THAT(verify("ours", {"-verify_hostname", "api.example"}), HasSubstr("OK"));
  EXPECT_THAT(verify("ours", {"-verify_ip", "::1", "-purpose", "sslserver"}), HasSubstr("OK"));
  EXPECT_THAT(verify("ours", {"-verify_ip", "127.0.0.1", "-purpose", "sslclient"}), HasSubstr("OK"));
  EXPECT_THAT(verify("ours", {"-verify_hostname", "other.example"}), StartsWith("exit"));
  EXPECT_THAT(verify("other", {}), StartsWith("exit"));
  EXPECT_THAT(openssl({"x509", "-noout", "-subject", "-in", file("server.crt")}),
              HasSubstr("O = system:masters, CN = server"));
}

TEST_F(AuthorityTest, ACertificateMayBeExpiredFromTheStart) {
  const auto ours = Authority::make("ours");
  ASSERT_OK(ours);
  const auto pair = ours->issue({.common_name = "old", .valid_until = std::chrono::seconds{-60}});
  ASSERT_OK(pair);
  ASSERT_OK(write_key_pair(file("old"), *pair));
  ASSERT_OK(write_file(file("ours"), ours->certificate()));
  EXPECT_THAT(openssl({"verify", "-CAfile", file("ours"), file("old.crt")}), HasSubstr("expired"));
}

}  // namespace
}  // namespace vipra::lab::kube
