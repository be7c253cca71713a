// Whom the client believes, what it shows, and what it reads again.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "kube/tls.hpp"
#include "tests/kube/kube_fixture.hpp"

namespace vipra::test {
namespace {

using kube::ErrorKind;
using Connection = FakeApiServer::Connection;

class CredentialsTest : public KubeTest {
 protected:
  static void ok(Connection& connection, const FakeRequest&) { connection.answer(200, "{}"); }
  // Every answer on a connection of its own.
  static void once(Connection& connection, const FakeRequest&) {
    connection.answer(200, "{}", "Connection: close\r\n");
    connection.close();
  }
};

TEST_F(CredentialsTest, TheOnlyAuthorityIsTheGivenOneAndTls12TheLeast) {
  connect();
  auto* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_default_verify_paths(context);
  ASSERT_TRUE(kube::set_up_tls(context, client->access()));
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))), 1);
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
  fs::remove(folder / "ca.crt");
  EXPECT_FALSE(kube::set_up_tls(context, client->access()));
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))), 0);
  SSL_CTX_free(context);
}

TEST_F(CredentialsTest, AnotherAuthoritysServerIsRefusedBeforeAnythingIsSent) {
  auto& server = serve(ok);
  const Authority other{"other"};
  write("ca.crt", other.certificate());
  connect();
  const auto answer = get();
  EXPECT_EQ(answer.error, ErrorKind::kTls) << answer.message;
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(CredentialsTest, AMissingAuthorityIsNamed) {
  serve(ok);
  connect();
  fs::remove(folder / "ca.crt");
  const auto answer = get();
  EXPECT_EQ(answer.error, ErrorKind::kTls);
  EXPECT_NE(answer.message.find("ca.crt"), std::string::npos) << answer.message;
}

TEST_F(CredentialsTest, TheCertificatesNameIsChecked) {
  const auto certificate = authority.issue("elsewhere", {"DNS:api.example"});
  servers.push_back(std::make_unique<FakeApiServer>(certificate, ok));
  access.servers = {{"127.0.0.1", servers.back()->port(), {}}};
  connect();
  EXPECT_EQ(get().error, ErrorKind::kTls);
  access.server_name = "api.example";
  connect();
  EXPECT_TRUE(get().ok());
  EXPECT_EQ(servers.back()->requests().at(0).headers.at("host"), "api.example");
}

TEST_F(CredentialsTest, AClientCertificateIsShown) {
  const auto certificate = authority.issue("server", {"IP:127.0.0.1"});
  servers.push_back(
      std::make_unique<FakeApiServer>(certificate, ok, "127.0.0.1", 0, authority.certificate()));
  access.servers = {{"127.0.0.1", servers.back()->port(), {}}};
  connect();
  EXPECT_NE(get().error, ErrorKind::kNone);
  const auto own = authority.issue("me");
  access.client_certificate.data = own.certificate;
  access.client_key.data = own.key;
  connect();
  EXPECT_TRUE(get().ok());
}

TEST_F(CredentialsTest, ARotatedTokenIsUsedWithinTwoSeconds) {
  auto& server = serve(ok);
  connect();
  ASSERT_TRUE(get().ok());
  write("token", "second-token");
  EXPECT_TRUE(eventually(
      [&] {
        EXPECT_TRUE(get().ok());
        return server.requests().back().headers.at("authorization") == "Bearer second-token";
      },
      5s));
}

TEST_F(CredentialsTest, ARefusedTokenIsReadAgainAtOnce) {
  serve([](Connection& connection, const FakeRequest& request) {
    const bool good = request.headers.at("authorization") == "Bearer second-token";
    connection.answer(good ? 200 : 401, "{}");
  });
  connect();
  EXPECT_EQ(get().status, 401);
  write("token", "second-token");
  const auto began = std::chrono::steady_clock::now();
  bool good = false;
  for (int i = 0; i < 2 && !good; ++i) good = get().ok();
  EXPECT_TRUE(good);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 900ms);
}

TEST_F(CredentialsTest, ATokenFileThatVanishesOrTurnsToNonsenseLeavesTheOldOne) {
  auto& server = serve(ok);
  connect();
  ASSERT_TRUE(get().ok());
  fs::remove(folder / "token");
  turn_for(1100ms);
  EXPECT_TRUE(get().ok());
  write("token", "two\nlines: injected");
  turn_for(1100ms);
  EXPECT_TRUE(get().ok());
  EXPECT_EQ(server.requests().back().headers.at("authorization"), "Bearer first-token");
}

TEST_F(CredentialsTest, ARotatedAuthorityIsUsedForTheNextConnection) {
  auto& first = serve(once);
  const auto port = first.port();
  connect();
  ASSERT_TRUE(get().ok());
  servers.clear();
  const Authority next{"next"};
  servers.push_back(
      std::make_unique<FakeApiServer>(next.issue("server", {"IP:127.0.0.1"}), once, "127.0.0.1", port));
  EXPECT_EQ(get().error, ErrorKind::kTls);
  write("ca.crt", next.certificate());
  EXPECT_TRUE(get().ok());
}

}  // namespace
}  // namespace vipra::test
