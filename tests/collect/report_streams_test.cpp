// Reports from nodes to replicas of the controller, over real TLS.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "tests/collect/relay.hpp"
#include "tests/collect/streams.hpp"
#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::collect {
namespace {

using testing::HasSubstr;

struct ReportStreams : testing::Test {
  certs::ServingCertificate certificate = new_certificate();
  Reviewer reviewer;
  Replica replica{reviewer};

  // gRPC 1.51 ends its callback threads with their last user, and may trip over itself when a new one comes
  // at that moment (assertion in grpc_cq_internal_unref). Every process of ours has a server all its life; so
  // has this one: it is never taken down.
  static void SetUpTestSuite() {
    static auto* const keepers_reviewer = new Reviewer;
    static auto* const keeper = new Replica{*keepers_reviewer};
    ASSERT_TRUE(keeper->start(new_certificate()));
  }

  void SetUp() override {
    reviewer.accept("token-a", "node-a");
    reviewer.accept("token-b", "node-b");
    ASSERT_TRUE(replica.start(certificate));
  }

  // A node's stream made by hand, for what ReportClient never does.
  struct ByHand {
    grpc::ClientContext context;
    std::unique_ptr<report::v1::ClusterReports::Stub> stub;
    std::unique_ptr<grpc::ClientReaderWriter<report::v1::NodeReport, report::v1::ReportAck>> stream;
  };
  std::unique_ptr<ByHand> by_hand(const std::string& authorization) const {
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(kServiceName);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto out = std::make_unique<ByHand>();
    out->stub = report::v1::ClusterReports::NewStub(grpc::CreateCustomChannel(
        replica.endpoint(),
        grpc::SslCredentials(
            {.pem_root_certs = certificate.ca_pem, .pem_private_key = {}, .pem_cert_chain = {}}),
        arguments));
    if (!authorization.empty()) out->context.AddMetadata("authorization", authorization);
    out->context.set_deadline(std::chrono::system_clock::now() + 20s);
    out->stream = out->stub->StreamReports(&out->context);
    return out;
  }
};

TEST_F(ReportStreams, AReportArrivesAndIsAcknowledged) {
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; })) << node.error();
  EXPECT_TRUE(replica.connected("node-a"));
  node.publish(2);
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == 2; }));
  ASSERT_TRUE(wait_until([&] { return node.client->endpoints().at(0).acknowledged == 2; }));
  EXPECT_TRUE(node.accepted());
  EXPECT_EQ(replica.server->counters().nodes, 1u);
  EXPECT_EQ(reviewer.asked(), 1);
  node.client->stop();
  EXPECT_TRUE(wait_until([&] { return !replica.connected("node-a"); }));
}

TEST_F(ReportStreams, AnUnchangedReportIsSentAgainAsASignOfLife) {
  Node node{"node-a", "token-a", [](auto& options) { options.refresh = 20ms; }};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  EXPECT_TRUE(wait_until([&] { return replica.server->counters().reports >= 5; })) << node.error();
}

TEST_F(ReportStreams, AnotherCaIsNotTrustedUntilItIsTheRightOne) {
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(new_certificate().ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until(
      [&] { return node.client->endpoints().size() == 1 && node.client->endpoints()[0].attempts >= 3; }));
  EXPECT_FALSE(node.accepted());
  EXPECT_NE(node.error(), "");
  EXPECT_EQ(reviewer.asked(), 0);  // the token was not shown to a stranger
  node.client->set_ca(certificate.ca_pem);
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; })) << node.error();
}

TEST_F(ReportStreams, ACertificateForAnotherNameIsRefused) {
  Node node{"node-a", "token-a", [](auto& options) { options.server_name = "other.example"; }};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until(
      [&] { return node.client->endpoints().size() == 1 && node.client->endpoints()[0].attempts >= 3; }));
  EXPECT_FALSE(node.accepted());
  EXPECT_EQ(reviewer.asked(), 0);
}

TEST_F(ReportStreams, CertificateAndCaAreReplacedWhileStreamsAreOpen) {
  Node old_node{"node-a", "token-a"};
  old_node.publish(1);
  old_node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; }));

  const auto next = new_certificate();
  ASSERT_TRUE(replica.server->set_certificate(next.chain_pem, next.key_pem));
  Node both{"node-b", "token-b"};
  both.publish(1);
  const auto bundle = certs::merge_ca_bundles(next.ca_pem, certificate.ca_pem, std::time(nullptr));
  ASSERT_TRUE(bundle);
  both.connect(*bundle, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-b") == 1; })) << both.error();

  reviewer.accept("token-c", "node-c");
  Node behind{"node-c", "token-c"};
  behind.publish(1);
  behind.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until(
      [&] { return behind.client->endpoints().size() == 1 && behind.client->endpoints()[0].attempts >= 3; }));
  EXPECT_FALSE(behind.accepted());
  behind.client->set_ca(next.ca_pem);
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-c") == 1; })) << behind.error();

  old_node.publish(2);  // its stream was not touched
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 2; }));
  EXPECT_EQ(old_node.client->endpoints().at(0).attempts, 1u);
}

TEST_F(ReportStreams, AnUnusableCertificateLeavesTheOldOneInUse) {
  EXPECT_FALSE(replica.server->set_certificate("", ""));
  const auto other = new_certificate();
  ASSERT_TRUE(replica.server->set_certificate(other.chain_pem, certificate.key_pem));  // they do not fit
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; })) << node.error();
}

struct Refusal {
  const char* what;
  std::function<void(TokenReview&)> change;
  Reason reason;
};

TEST_F(ReportStreams, TokensThatDoNotSayThatThisIsTheNodeAreRefusedAndCounted) {
  const std::vector<Refusal> cases{
      {"unknown token", [](auto& review) { review.verdict = TokenReview::Verdict::kRefused; },
       Reason::kTokenRefused},
      {"another audience", [](auto& review) { review.audiences = {"https://kubernetes.default.svc"}; },
       Reason::kTokenRefused},
      {"another account", [](auto& review) { review.username = "system:serviceaccount:default:default"; },
       Reason::kTokenRefused},
      {"no node", [](auto& review) { review.node.clear(); }, Reason::kTokenWithoutNode},
      {"another node", [](auto& review) { review.node = "node-b"; }, Reason::kWrongNode},
      {"no answer from the API server",
       [](auto& review) { review.verdict = TokenReview::Verdict::kUnavailable; }, Reason::kTokenNotReviewed},
  };
  const auto good = reviewer.get("token-a");
  for (const auto& c : cases) {
    auto review = good;
    c.change(review);
    reviewer.set("token-a", review);
    const auto before = replica.refused(c.reason);
    Node node{"node-a", "token-a"};
    node.publish(1);
    node.connect(certificate.ca_pem, {replica.endpoint()});
    EXPECT_TRUE(wait_until([&] { return replica.refused(c.reason) >= before + 2; }))
        << c.what;  // tries again
    EXPECT_TRUE(wait_until([&] { return node.error().find(to_string(c.reason)) != std::string::npos; }))
        << c.what << ": " << node.error();
    EXPECT_FALSE(node.accepted()) << c.what;
    EXPECT_EQ(replica.heard("node-a"), 0u) << c.what;
    EXPECT_EQ(replica.heard("node-b"), 0u) << c.what;
  }
  reviewer.set("token-a", good);
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; }));
}

TEST_F(ReportStreams, AStreamWithoutATokenIsRefused) {
  for (const char* authorization : {"", "Basic abc", "Bearer", "token-a"}) {
    const auto stream = by_hand(authorization);
    report::v1::ReportAck ack;
    EXPECT_FALSE(stream->stream->Read(&ack));
    EXPECT_EQ(stream->stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED) << authorization;
  }
  EXPECT_EQ(replica.refused(Reason::kTokenMissing), 4u);
  EXPECT_EQ(reviewer.asked(), 0);
}

TEST_F(ReportStreams, AMissingTokenFileIsNamedAndReadWhenItIsThere) {
  Node node{"node-a", ""};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return node.error().find("token") != std::string::npos; }));
  node.file.write("token-a");
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; })) << node.error();
}

TEST_F(ReportStreams, ATokenIsReviewedAgainWhenItExpires) {
  auto review = reviewer.get("token-a");
  review.expires = std::chrono::system_clock::now() + 300ms;
  reviewer.set("token-a", review);
  Node node{"node-a", "token-a", [](auto& options) { options.token_check = 1h; }};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; }));
  const auto asked = reviewer.asked();
  ASSERT_TRUE(wait_until([&] { return reviewer.asked() >= asked + 2; }));  // still good: the stream goes on
  EXPECT_TRUE(replica.connected("node-a"));
  EXPECT_EQ(replica.disconnections("node-a"), 0);

  node.file.write("token-2");
  reviewer.accept("token-2", "node-a");
  reviewer.refuse("token-a");
  ASSERT_TRUE(wait_until([&] { return replica.refused(Reason::kTokenExpired) == 1; }));
  node.publish(2);  // the node comes back with its new one
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 2 && replica.connected("node-a"); }))
      << node.error();
}

TEST_F(ReportStreams, ANewTokenOpensANewStreamBeforeTheOldOneExpires) {
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; }));
  reviewer.accept("token-2", "node-a");
  const auto asked = reviewer.asked();
  node.file.write("token-2");
  ASSERT_TRUE(wait_until([&] { return reviewer.asked() == asked + 1; }));
  node.publish(2);
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 2 && node.accepted(); })) << node.error();
  EXPECT_EQ(replica.refused(Reason::kTokenExpired), 0u);
}

TEST_F(ReportStreams, AnOpenStreamOutlivesAnAwayApiServerForItsGrace) {
  Replica patient{reviewer, [](auto& options) { options.review_period = 30ms; }};
  Replica strict{reviewer, [](auto& options) {
                   options.review_period = 30ms;
                   options.review_grace = 200ms;
                 }};
  ASSERT_TRUE(patient.start(certificate));
  ASSERT_TRUE(strict.start(certificate));
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {patient.endpoint(), strict.endpoint()});
  ASSERT_TRUE(wait_until([&] { return patient.heard("node-a") == 1 && strict.heard("node-a") == 1; }));
  TokenReview away;
  away.detail = "connection refused";
  reviewer.set("token-a", away);
  ASSERT_TRUE(wait_until([&] { return strict.refused(Reason::kTokenNotReviewed) >= 1; }));
  node.publish(2);
  EXPECT_TRUE(wait_until([&] { return patient.heard("node-a") == 2; }));
  EXPECT_EQ(patient.disconnections("node-a"), 0);
}

TEST_F(ReportStreams, AReviewerThatNeverAnswersIsNotWaitedForAndMayAnswerTooLate) {
  std::mutex mutex;
  std::vector<std::function<void(TokenReview)>> held;
  {
    Replica deaf{reviewer, [&](auto& options) {
                   options.review_timeout = 50ms;
                   options.reviewer = [&](const std::string&, std::function<void(TokenReview)> done) {
                     const std::lock_guard lock{mutex};
                     held.push_back(std::move(done));
                   };
                 }};
    ASSERT_TRUE(deaf.start(certificate));
    Node node{"node-a", "token-a"};
    node.publish(1);
    node.connect(certificate.ca_pem, {deaf.endpoint()});
    ASSERT_TRUE(wait_until([&] { return deaf.refused(Reason::kTokenNotReviewed) >= 2; }));
    {
      const std::lock_guard lock{mutex};
      held.front()(reviewer.get("token-a"));
    }
    EXPECT_EQ(deaf.heard("node-a"), 0u);
  }
  for (const auto& done : held) done(reviewer.get("token-a"));  // the server is gone
}

TEST_F(ReportStreams, ACutConnectionIsMadeAnew) {
  Relay relay{replica.server->port()};
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {relay.endpoint()});
  for (std::uint64_t i = 1; i <= 5; ++i) {
    node.publish(i);
    ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == i && replica.connected("node-a"); }))
        << i << node.error();
    relay.cut();
    ASSERT_TRUE(wait_until([&] { return replica.disconnections("node-a") == static_cast<int>(i); })) << i;
  }
}

TEST_F(ReportStreams, AConnectionThatGoesSilentIsFoundDeadOnBothSides) {
  Replica watchful{reviewer, [](auto& options) {
                     options.keepalive_time = 500ms;
                     options.keepalive_timeout = 300ms;
                   }};
  ASSERT_TRUE(watchful.start(certificate));
  Relay relay{watchful.server->port()};
  Node node{"node-a", "token-a", [](auto& options) {
              options.keepalive_time = 1s;
              options.keepalive_timeout = 500ms;
              options.connect_timeout = 1s;
            }};
  node.publish(1);
  node.connect(certificate.ca_pem, {relay.endpoint()});
  ASSERT_TRUE(wait_until([&] { return watchful.heard("node-a") == 1; }));
  relay.freeze(true);
  EXPECT_TRUE(wait_until([&] { return !watchful.connected("node-a"); }, 8s));
  EXPECT_TRUE(wait_until([&] { return !node.accepted() && !node.error().empty(); }, 8s));
  relay.freeze(false);
  node.publish(2);
  EXPECT_TRUE(wait_until([&] { return watchful.heard("node-a") == 2; })) << node.error();
}

TEST_F(ReportStreams, AReplicaThatNoLongerAcknowledgesIsLeft) {
  Relay relay{replica.server->port()};
  Node node{"node-a", "token-a", [](auto& options) { options.ack_timeout = 300ms; }};
  node.publish(1);
  node.connect(certificate.ca_pem, {relay.endpoint()});
  ASSERT_TRUE(wait_until([&] { return node.accepted(); }));
  relay.freeze(true);
  node.publish(2);
  EXPECT_TRUE(wait_until([&] { return node.error().find("not acknowledged") != std::string::npos; }, 5s));
  relay.freeze(false);
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 2; })) << node.error();
}

TEST_F(ReportStreams, EveryReplicaHearsAndOneMayGo) {
  auto second = std::make_unique<Replica>(reviewer);
  ASSERT_TRUE(second->start(certificate));
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint(), second->endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.heard("node-a") == 1 && second->heard("node-a") == 1; }));
  second.reset();
  node.publish(2);
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 2; }));
  EXPECT_EQ(replica.disconnections("node-a"), 0);

  Replica third{reviewer};
  ASSERT_TRUE(third.start(certificate));
  ASSERT_TRUE(node.client->set_endpoints({replica.endpoint(), third.endpoint()}));
  EXPECT_TRUE(wait_until([&] { return third.heard("node-a") == 2; }));
  EXPECT_EQ(replica.disconnections("node-a"), 0);  // it kept its stream
  ASSERT_TRUE(node.client->set_endpoints({third.endpoint()}));
  EXPECT_TRUE(wait_until([&] { return replica.disconnections("node-a") == 1; }));
}

TEST_F(ReportStreams, AFloodIsReadAtAMeasuredPaceAndTheNewestArrives) {
  Replica slow{reviewer, [](auto& options) { options.min_interval = 50ms; }};
  ASSERT_TRUE(slow.start(certificate));
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {slow.endpoint()});
  ASSERT_TRUE(wait_until([&] { return slow.heard("node-a") == 1; }));
  const auto begun = std::chrono::steady_clock::now();
  std::chrono::nanoseconds longest{};
  for (std::uint64_t i = 2; i <= 3000; ++i) {
    const auto before = std::chrono::steady_clock::now();
    node.client->publish(report_of("node-a", i, 10'000));
    longest = std::max<std::chrono::nanoseconds>(longest, std::chrono::steady_clock::now() - before);
  }
  EXPECT_LT(longest, 500ms);
  ASSERT_TRUE(wait_until([&] { return slow.heard("node-a") == 3000; }));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(slow.server->counters().reports, static_cast<std::uint64_t>(took / 50ms) + 3);
}

TEST_F(ReportStreams, AClientThatWritesWithoutReadingHurtsNobody) {
  const auto rude = by_hand("Bearer token-b");
  std::atomic<bool> stop{false};
  std::thread writer{[&] {
    const auto report = report_of("node-b", 1, 100'000);
    while (!stop && rude->stream->Write(*report)) {
    }
  }};
  ASSERT_TRUE(wait_until([&] { return replica.server->counters().reports > 20; }));
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; })) << node.error();
  stop = true;
  rude->context.TryCancel();
  writer.join();
  (void)rude->stream->Finish();
}

TEST_F(ReportStreams, ANewerStreamOfANodeReplacesTheOlder) {
  const auto first = by_hand("Bearer token-a");
  ASSERT_TRUE(first->stream->Write(*report_of("node-a", 1)));
  report::v1::ReportAck ack;
  ASSERT_TRUE(first->stream->Read(&ack));
  EXPECT_EQ(ack.sequence(), 1u);
  const auto second = by_hand("Bearer token-a");
  ASSERT_TRUE(second->stream->Write(*report_of("node-a", 2)));
  ASSERT_TRUE(second->stream->Read(&ack));
  EXPECT_FALSE(first->stream->Read(&ack));
  EXPECT_EQ(first->stream->Finish().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(replica.heard("node-a"), 2u);
  EXPECT_TRUE(replica.connected("node-a"));
  EXPECT_EQ(replica.disconnections("node-a"), 0);
  EXPECT_EQ(replica.refused(Reason::kReplacedByNewer), 1u);
  second->stream->WritesDone();
  EXPECT_TRUE(second->stream->Finish().ok());
  EXPECT_TRUE(wait_until([&] { return !replica.connected("node-a"); }));
}

TEST_F(ReportStreams, AReportOfAnotherNodeEndsTheStream) {
  const auto stream = by_hand("bearer token-a");
  report::v1::ReportAck ack;
  ASSERT_TRUE(stream->stream->Write(*report_of("node-a", 1)));
  ASSERT_TRUE(stream->stream->Read(&ack));
  ASSERT_TRUE(stream->stream->Write(*report_of("node-b", 2)));
  EXPECT_FALSE(stream->stream->Read(&ack));
  EXPECT_EQ(stream->stream->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(replica.heard("node-b"), 0u);
  EXPECT_EQ(replica.refused(Reason::kWrongNode), 1u);
}

TEST_F(ReportStreams, StreamsAndMessagesAreBounded) {
  Replica small{reviewer, [](auto& options) {
                  options.max_streams = 1;
                  options.max_report_bytes = 100'000;
                }};
  ASSERT_TRUE(small.start(certificate));
  Node node{"node-a", "token-a"};
  node.client->publish(report_of("node-a", 1, 200'000));
  node.connect(certificate.ca_pem, {small.endpoint()});
  ASSERT_TRUE(wait_until([&] { return node.error().find("larger") != std::string::npos; })) << node.error();
  node.publish(2);
  ASSERT_TRUE(wait_until([&] { return small.heard("node-a") == 2; })) << node.error();
  Node other{"node-b", "token-b"};
  other.publish(1);
  other.connect(certificate.ca_pem, {small.endpoint()});
  EXPECT_TRUE(wait_until([&] { return small.refused(Reason::kTooManyStreams) >= 1; }));
  node.client->stop();
  EXPECT_TRUE(wait_until([&] { return small.heard("node-b") == 1; })) << other.error();
}

TEST_F(ReportStreams, BytesThatAreNoTlsHurtNobody) {
  for (int i = 0; i < 5; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(replica.server->port()));
    ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const std::string garbage(1000, static_cast<char>(0x16 + i * 13));
    (void)!::send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.connect(certificate.ca_pem, {replica.endpoint()});
  EXPECT_TRUE(wait_until([&] { return replica.heard("node-a") == 1; }));
}

TEST_F(ReportStreams, EndpointsAreLiteralAddressesOfBothFamilies) {
  Replica six{reviewer, [](auto& options) { options.address = "[::1]:0"; }};
  ASSERT_TRUE(six.start(certificate));
  Node node{"node-a", "token-a"};
  node.publish(1);
  node.client->set_ca(certificate.ca_pem);
  const auto six_endpoint = "[::1]:" + std::to_string(six.server->port());
  const auto result = node.client->set_endpoints({"localhost:1", six_endpoint});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().what, HasSubstr("localhost:1"));
  EXPECT_TRUE(wait_until([&] { return six.heard("node-a") == 1; })) << node.error();
  for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "::1:80",
                          "[127.0.0.1]:80", "127.0.0.1:8a", "[::1]80", "unix:/x"}) {
    EXPECT_FALSE(node.client->set_endpoints({bad})) << bad;
  }
}

TEST_F(ReportStreams, NobodyAtTheOtherEndCostsTheNodeNothing) {
  int port = 0;
  {
    Replica gone{reviewer};
    ASSERT_TRUE(gone.start(certificate));
    port = gone.server->port();
  }
  std::atomic<int> told{0};
  Node node{"node-a", "token-a",
            [&](auto& options) { options.on_change = [&](const std::string&, const Status&) { ++told; }; }};
  node.connect(certificate.ca_pem, {"127.0.0.1:" + std::to_string(port)});
  const auto before = std::chrono::steady_clock::now();
  for (std::uint64_t i = 1; i < 1000; ++i) node.publish(i);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  const auto attempts = [&] {
    const auto all = node.client->endpoints();
    return all.empty() ? 0 : all.front().attempts;
  };
  ASSERT_TRUE(wait_until([&] { return attempts() >= 4; }));
  EXPECT_LE(attempts(), 100u);  // it waits between its tries
  const auto stopping = std::chrono::steady_clock::now();
  node.client->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - stopping, 2s);
  EXPECT_GE(told, 1);
  EXPECT_LE(told, 3);  // and not once for each
}

TEST_F(ReportStreams, StopsWithOpenStreamsAndStartsAgain) {
  Node node{"node-a", "token-a"};
  node.publish(1);
  Relay relay{replica.server->port()};
  node.connect(certificate.ca_pem, {replica.endpoint()});
  ASSERT_TRUE(wait_until([&] { return replica.connected("node-a"); }));
  const auto before = std::chrono::steady_clock::now();
  replica.server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_FALSE(replica.connected("node-a"));
  ASSERT_TRUE(replica.server->start());
  ASSERT_TRUE(node.client->set_endpoints({replica.endpoint()}));
  EXPECT_TRUE(wait_until([&] { return replica.connected("node-a"); })) << node.error();
}

}  // namespace
}  // namespace vipra::collect
