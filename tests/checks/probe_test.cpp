#include "checks/probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <optional>

#include "tests/checks/loopback_server.hpp"

namespace vipra::checks {
namespace {

using namespace vipra::test;
using definitions::HttpProbe;
using definitions::TcpProbe;
using testing::HasSubstr;
using Outcome = ProbeResult::Outcome;

class ProbeTest : public testing::Test {
 protected:
  ProbeResult run(std::unique_ptr<Probe> probe) {
    std::optional<ProbeResult> result;
    probe->start([&](ProbeResult r) { result = std::move(r); });
    EXPECT_FALSE(result) << "done was called from inside start()";
    EXPECT_TRUE(run_until(io, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{});
  }
  ProbeResult tcp_to(const std::string& host, std::uint16_t port, Duration timeout = 2s) {
    return run(make_tcp_probe(io, TcpProbe{host, port}, timeout));
  }
  ProbeResult http_to(const HttpProbe& probe, Duration timeout = 2s) {
    return run(make_http_probe(io, probe, timeout));
  }
  HttpProbe get(std::uint16_t port) const {
    HttpProbe probe;
    probe.port = port;
    probe.path = "/healthz";
    return probe;
  }
  ProbeResult answered(const std::string& answer) {
    LoopbackServer server{io};
    server.answer = answer;
    return http_to(get(server.port()));
  }

  asio::io_context io;
};

TEST_F(ProbeTest, TcpPassesWhenTheConnectionStands) {
  LoopbackServer server{io};
  const auto result = tcp_to("", server.port());
  EXPECT_EQ(result.outcome, Outcome::kPassed);
  EXPECT_EQ(result.reason, Reason::kCheckPassed);
  EXPECT_EQ(result.detail, "tcp 127.0.0.1:" + std::to_string(server.port()) + " accepted the connection");
}

TEST_F(ProbeTest, TcpWorksOverIpv6) {
  LoopbackServer server{io, "::1"};
  const auto result = tcp_to("::1", server.port());
  EXPECT_EQ(result.outcome, Outcome::kPassed);
  EXPECT_THAT(result.detail, HasSubstr("tcp [::1]:"));
}

TEST_F(ProbeTest, AClosedPortIsRefused) {
  const ClosedPort closed{io};
  const auto result = tcp_to("", closed.port());
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.reason, Reason::kCheckRefused);
  EXPECT_THAT(result.detail, HasSubstr("refused the connection"));
}

TEST_F(ProbeTest, AnAddressWithoutARouteIsUnreachable) {
  const auto result = tcp_to("255.255.255.255", 80);  // refused by the kernel before any packet
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.reason, Reason::kCheckUnreachable);
}

TEST_F(ProbeTest, AConnectionThatNobodyAcceptsTimesOut) {
  tcp::acceptor full{io, tcp::v4()};
  full.bind(tcp::endpoint{asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  std::vector<tcp::socket> waiting;
  for (int i = 0; i < 4; ++i) {  // more than the backlog holds: the next SYN is dropped
    auto& socket = waiting.emplace_back(io, tcp::v4());
    socket.native_non_blocking(true);
    const auto to = full.local_endpoint();
    ::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
  }
  const auto result = tcp_to("", full.local_endpoint().port(), 150ms);
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.reason, Reason::kCheckTimeout);
  EXPECT_THAT(result.detail, HasSubstr("did not answer within 150ms"));
  EXPECT_GE(result.duration, 150ms);
}

TEST_F(ProbeTest, HttpPassesOnAnExpectedStatusAndAsksWhatWasDefined) {
  LoopbackServer server{io};
  server.answer = "HTTP/1.1 204 No Content\r\n\r\n";
  auto probe = get(server.port());
  probe.path = "/ready?full=1";
  probe.host_header = "shop.example";
  const auto result = http_to(probe);
  EXPECT_EQ(result.outcome, Outcome::kPassed) << result.detail;
  EXPECT_THAT(result.detail, HasSubstr("/ready?full=1 answered 204"));
  ASSERT_EQ(server.requests.size(), 1u);
  EXPECT_THAT(server.requests[0], testing::StartsWith("GET /ready?full=1 HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests[0], HasSubstr("\r\nHost: shop.example\r\n"));
}

TEST_F(ProbeTest, HttpNamesTheAddressAsHostByDefaultWithBracketsForIpv6) {
  LoopbackServer server{io, "::1"};
  server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  auto probe = get(server.port());
  probe.host = "::1";
  EXPECT_EQ(http_to(probe).outcome, Outcome::kPassed);
  ASSERT_EQ(server.requests.size(), 1u);
  EXPECT_THAT(server.requests[0], HasSubstr("\r\nHost: [::1]:" + std::to_string(server.port()) + "\r\n"));
}

TEST_F(ProbeTest, HttpFailsOnAnotherStatusAndSaysBoth) {
  const auto result = answered("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.reason, Reason::kCheckWrongStatus);
  EXPECT_THAT(result.detail, HasSubstr("answered 503, expected 200-399"));
}

TEST_F(ProbeTest, TheExpectedRangeIncludesBothEnds) {
  LoopbackServer server{io};
  auto probe = get(server.port());
  probe.status_min = probe.status_max = 418;
  for (const int status : {417, 418, 419}) {
    server.answer = "HTTP/1.0 " + std::to_string(status) + " x\r\n\r\n";
    EXPECT_EQ(http_to(probe).outcome, status == 418 ? Outcome::kPassed : Outcome::kFailed) << status;
  }
}

TEST_F(ProbeTest, HttpDoesNotReadTheBody) {
  LoopbackServer server{io};
  server.close_after_answer = false;
  server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + std::string(200'000, 'x');
  EXPECT_EQ(http_to(get(server.port())).outcome, Outcome::kPassed);
}

TEST_F(ProbeTest, SilenceAfterTheRequestTimesOut) {
  LoopbackServer server{io};
  const auto result = http_to(get(server.port()), 150ms);
  EXPECT_EQ(result.reason, Reason::kCheckTimeout);
  EXPECT_EQ(server.accepted, 1u);
}

TEST_F(ProbeTest, AnAnswerThatDripsIsStillBoundByTheTimeout) {
  LoopbackServer server{io};
  server.answer = "HTTP/1.1 200 OK\r\nX: " + std::string(1000, 'y') + "\r\n\r\n";
  server.drip = 10ms;
  const auto result = http_to(get(server.port()), 200ms);
  EXPECT_EQ(result.reason, Reason::kCheckTimeout);
  EXPECT_LT(result.duration, 2s);
}

TEST_F(ProbeTest, ASlowButCompleteAnswerPasses) {
  LoopbackServer server{io};
  server.answer = "HTTP/1.1 200 OK\r\n\r\n";
  server.drip = 5ms;
  EXPECT_EQ(http_to(get(server.port()), 5s).outcome, Outcome::kPassed);
}

TEST_F(ProbeTest, WhatIsNotHttpIsABadResponse) {
  for (const std::string& garbage :
       {std::string{"SSH-2.0-OpenSSH_9.2\r\n\r\n"}, std::string("\0\x01\x02\xff\xfe\r\n\r\n", 9),
        std::string{"\r\n"}, std::string{"HTTP/1.1 abc\r\n\r\n"}, std::string{"HTTP/9.9 200 OK\r\n\r\n"}}) {
    const auto result = answered(garbage);
    EXPECT_EQ(result.outcome, Outcome::kFailed) << garbage;
    EXPECT_EQ(result.reason, Reason::kCheckBadResponse) << garbage << ": " << result.detail;
  }
}

TEST_F(ProbeTest, AnEndlessHeaderIsCutOff) {
  LoopbackServer server{io};
  server.close_after_answer = false;
  server.answer = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 2000; ++i) server.answer += "X-Header-" + std::to_string(i) + ": 0123456789\r\n";
  const auto result = http_to(get(server.port()));
  EXPECT_EQ(result.reason, Reason::kCheckBadResponse);
  EXPECT_THAT(result.detail, HasSubstr("16 KB"));

  server.answer = "HTTP/1.1 200 OK\r\nX: " + std::string(60'000, 'z');  // one line that never ends
  EXPECT_EQ(http_to(get(server.port())).reason, Reason::kCheckBadResponse);
}

TEST_F(ProbeTest, AServerThatHangsUpGivesABadResponse) {
  LoopbackServer server{io};
  server.close_at_once = true;
  const auto result = http_to(get(server.port()));
  EXPECT_EQ(result.outcome, Outcome::kFailed);
  EXPECT_EQ(result.reason, Reason::kCheckBadResponse);
  EXPECT_THAT(result.detail, HasSubstr("closed the connection"));
}

TEST_F(ProbeTest, ADestroyedProbeNeverReports) {
  LoopbackServer server{io};
  bool called = false;
  for (int turns = 0; turns < 4; ++turns) {  // destroyed before it began, while connecting, while reading
    auto probe = make_http_probe(io, get(server.port()), 100ms);
    probe->start([&](const ProbeResult&) { called = true; });
    for (int i = 0; i < turns; ++i) io.restart(), io.poll_one();
    probe.reset();
  }
  EXPECT_FALSE(run_until(io, [&] { return called; }, 250ms));
}

TEST_F(ProbeTest, AProbeMayBeDestroyedByItsOwnCallback) {
  const ClosedPort closed{io};
  auto probe = make_tcp_probe(io, TcpProbe{"", closed.port()}, 1s);
  bool called = false;
  probe->start([&](const ProbeResult&) {
    probe.reset();
    called = true;
  });
  EXPECT_TRUE(run_until(io, [&] { return called; }));
}

TEST_F(ProbeTest, ARunDuringWhichThisProcessStoodStillSaysNothing) {
  LoopbackServer server{io};
  auto probe = make_http_probe(io, get(server.port()), 50ms);
  std::optional<ProbeResult> result;
  probe->start([&](ProbeResult r) { result = std::move(r); });
  const auto asleep_until = std::chrono::steady_clock::now() + 300ms;  // nobody runs the loop meanwhile
  while (std::chrono::steady_clock::now() < asleep_until) {
  }
  ASSERT_TRUE(run_until(io, [&] { return result.has_value(); }));
  EXPECT_EQ(result->outcome, Outcome::kDiscarded);
}

TEST_F(ProbeTest, HavingNoDescriptorLeftSaysNothingAboutTheService) {
  LoopbackServer server{io};
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none{3, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto result = tcp_to("", server.port());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(result.outcome, Outcome::kDiscarded) << result.detail;
}

}  // namespace
}  // namespace vipra::checks
