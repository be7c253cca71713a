// One VirtualIP with 1,000 addresses, more than an advertisement names: all are owned, and advertisements
// stay on time while they are added, announced and removed.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <sstream>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

// Sends one question to each address and reads what comes: one socket a family, whatever the number.
class Asker {
 public:
  explicit Asker(const Station& from) {
    const Entered inside{from.net()};
    v4_ = UniqueFd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    v6_ = UniqueFd{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int room = 4 * 1024 * 1024;
    for (const auto* fd : {&v4_, &v6_})
      EXPECT_EQ(::setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room), 0);
  }

  void ask(const IpAddress& ip) const {
    const std::uint64_t question = 0;
    if (ip.is_v4()) {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(kProbePort);
      std::memcpy(&to.sin_addr, ip.bytes().data(), 4);
      ::sendto(v4_.get(), &question, sizeof question, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    } else {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(kProbePort);
      std::memcpy(&to.sin6_addr, ip.bytes().data(), 16);
      ::sendto(v6_.get(), &question, sizeof question, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
  }
  // Which address was answered by whom, last.
  void read(std::map<IpAddress, std::string>& answers) const {
    std::array<char, 128> text{};
    for (const auto* fd : {&v4_, &v6_}) {
      for (;;) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const auto n =
            ::recvfrom(fd->get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (n < static_cast<ssize_t>(sizeof(std::uint64_t))) break;
        const auto* bytes =
            from.ss_family == AF_INET
                ? reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<sockaddr_in&>(from).sin_addr)
                : reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<sockaddr_in6&>(from).sin6_addr);
        const auto ip = IpAddress::from_bytes({bytes, from.ss_family == AF_INET ? 4U : 16U});
        answers[*ip] = std::string{text.data() + sizeof(std::uint64_t), text.data() + n};
      }
    }
  }

 private:
  UniqueFd v4_;
  UniqueFd v6_;
};

struct ManyAddresses : AgentLab {
  static constexpr std::size_t kIpv4 = 700;
  static constexpr std::size_t kIpv6 = 300;
  static constexpr ms kInterval{100};

  // The first of each family is in the lab's subnet, which says the interface; the client has a route to the
  // others.
  static VipDefinition thousand() {
    VipDefinition definition;
    definition.priorities = {{"node-a", 200}, {"node-b", 100}};
    definition.preemption = "Immediate";
    definition.addresses = {"10.99.0.100"};
    for (std::size_t i = 1; i < kIpv4; ++i)
      definition.addresses.push_back("10.98." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1));
    for (std::size_t i = 0; i < kIpv6; ++i) {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), "2001:db8:99::1:%zx", i + 1);
      definition.addresses.emplace_back(text.data());
    }
    return definition;
  }

  void begin() {
    const auto definition = thousand();
    for (const auto& text : definition.addresses) all_.push_back(*IpAddress::parse(text));
    ASSERT_EQ(all_.size(), kIpv4 + kIpv6);
    ASSERT_NO_FATAL_FAILURE(build(2));
    const auto route = lab_->client().run({"ip", "route", "add", "10.98.0.0/16", "dev", "eth0"});
    ASSERT_TRUE(route && route->exit_status == 0);
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
    ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
    for (const auto* name : {"node-a", "node-b"}) ASSERT_OK(node(name).start_agent(agent()));
  }
  bool owns_all(const char* name) { return owned(name) == all_.size(); }
  std::size_t owned(const char* name) {
    const auto list = node(name).addresses();
    if (!list) return 0;
    std::set<IpAddress> present;
    for (const auto& address : *list) present.insert(address.address);
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const auto& ip) { return present.contains(ip); }));
  }
  // Every address is asked until this node has answered for it.
  void expect_all_answer(const std::string& from) {
    const Asker asker{lab_->client()};
    std::map<IpAddress, std::string> answers;
    const auto missing = [&] {
      std::vector<IpAddress> out;
      for (const auto& ip : all_) {
        if (answers[ip] != from) out.push_back(ip);
      }
      return out;
    };
    EXPECT_TRUE(wait_until(
        [&] {
          for (const auto& ip : missing()) asker.ask(ip);
          const auto patience = now() + ms{100};
          static_cast<void>(wait_until([&] { return now() > patience; }, s{1}, ms{5}));
          asker.read(answers);
          return missing().empty();
        },
        s{15}))
        << missing().size() << " do not answer from " << from << ", the first is "
        << (missing().empty() ? "" : missing().front().to_string());
  }
  // Whoever the master was: no gap beyond the interval, unless the host stood still then.
  void expect_no_late_advertisement(TimePoint from, TimePoint to, const std::vector<Stall>& stalls) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      std::optional<TimePoint> last;
      std::size_t seen = 0;
      for (const auto& packet : capture_->packets(from, to)) {
        const auto advert = as_vrrp(packet.frame);
        if (!advert || advert->family != family || advert->vrid != 51) continue;
        ++seen;
        const auto gap = last ? packet.at - *last : Duration{};
        if (gap > kInterval + ms{10}) {
          const bool stalled = std::any_of(stalls.begin(), stalls.end(), [&](const Stall& stall) {
            return stall.from < packet.at && stall.to > *last + kInterval;
          });
          EXPECT_TRUE(stalled) << to_string(family) << ": no advertisement for "
                               << std::chrono::duration_cast<ms>(gap).count() << " ms, "
                               << std::chrono::duration_cast<ms>(packet.at - from).count()
                               << " ms after the move began";
        }
        last = packet.at;
      }
      EXPECT_GE(seen, 5u) << to_string(family);
    }
    EXPECT_EQ(capture_->dropped(), 0u);
  }
  // `act` moves all addresses to `taker`.
  void move(const char* taker, const std::function<void()>& act) {
    ProbeOptions options;
    options.limit = s{40};
    auto probe = lab_->probe({vip_}, options);
    ASSERT_OK(probe);
    const auto from = now();
    act();
    EXPECT_TRUE(wait_until([&] { return owns_all(taker); }, s{20}, ms{20})) << owned(taker) << " are there";
    const auto* other = std::string_view{taker} == "node-a" ? "node-b" : "node-a";
    EXPECT_TRUE(wait_until([&] { return owned(other) == 0; }, s{20}, ms{20})) << owned(other) << " are left";
    ASSERT_NO_FATAL_FAILURE(expect_all_answer(taker));
    // Until the announcements are through: 1.4 s for the first round, and its repeats after it.
    const auto until = now() + s{3};
    static_cast<void>(wait_until([&] { return now() > until; }, s{5}));
    const auto report = (*probe)->settled_report(from, until);
    EXPECT_EQ(report.lost, 0u) << report.summary();
    expect_no_late_advertisement(from, until, report.stalls);
  }

  std::vector<IpAddress> all_;
  std::unique_ptr<Capture> capture_;
};

TEST_F(ManyAddresses, AThousandOfBothFamiliesMoveToTheOtherNodeAndBackAndDelayNoAdvertisement) {
  ASSERT_NO_FATAL_FAILURE(begin());
  ASSERT_TRUE(wait_until([&] { return owns_all("node-a"); }, s{20}, ms{20})) << owned("node-a");
  ASSERT_NO_FATAL_FAILURE(expect_all_answer("node-a"));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  ASSERT_NO_FATAL_FAILURE(move("node-b", [&] { ASSERT_OK(node("node-a").stop_agent()); }));
  ASSERT_NO_FATAL_FAILURE(move("node-a", [&] { ASSERT_OK(node("node-a").start_agent(agent())); }));
  // What an advertisement names: as much as it holds, the first ones of the definition.
  for (const auto& seen : capture_->adverts(51)) {
    const auto most = seen.family == Family::kIpv4 ? 255u : 90u;
    ASSERT_EQ(seen.addresses.size(), most);
    EXPECT_EQ(seen.addresses.back(), all_[seen.family == Family::kIpv4 ? 254 : kIpv4 + 88]);
  }
  const auto metrics = node("node-b").run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
  ASSERT_OK(metrics);
  std::istringstream lines{metrics->out};
  int routers = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("vipra_address_list_mismatches_total{")) continue;
    ++routers;
    EXPECT_TRUE(line.ends_with("} 0")) << line;
  }
  EXPECT_EQ(routers, 2);
}

}  // namespace
}  // namespace vipra::lab
