// Elections in steady state allocate nothing, from the timer to the wire and from the wire to the timer: two
// real routers on two ends of a real cable, with the speaker's loop, sockets, announcements and shared page,
// in virtual time.
#include <gmock/gmock.h>
#include <sys/mman.h>

#include <new>

#include "agent/speaker/interface.hpp"
#include "agent/speaker/owned_page_writer.hpp"
#include "net/vrrp_socket.hpp"
#include "router/virtual_router.hpp"
#include "runtime/clock.hpp"
#include "runtime/event_loop.hpp"
#include "tests/net/allocation_count.hpp"
#include "tests/net/namespace.hpp"
#include "vrrp/packet.hpp"

namespace vipra::agent {
namespace {

using namespace std::chrono_literals;

sys::UniqueFd new_page() {
  sys::UniqueFd fd{::memfd_create("owned", MFD_CLOEXEC)};
  EXPECT_EQ(::ftruncate(fd.get(), sizeof(OwnedPage)), 0);
  void* const at = ::mmap(nullptr, sizeof(OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  EXPECT_NE(at, MAP_FAILED);
  ::new (at) OwnedPage{};
  ::munmap(at, sizeof(OwnedPage));
  return fd;
}

// One node: a router and what the speaker puts around it. The kernel's answers about addresses are pretended.
class End final : RouterDirectory,
                  router::AdvertisementPort,
                  ownership::AddressCommands,
                  router::AnnouncementPort,
                  router::Journal {
 public:
  End(const net::Namespace& where, const char* own, int priority) : where_{where} {
    const net::Namespace::Inside inside{where};
    const int index = where.index_of("eth0");
    auto sender = net::open_vrrp_socket(Family::kIpv4, index, "eth0");
    auto neighbours = net::open_neighbour_socket(Family::kIpv4, index, "eth0");
    EXPECT_TRUE(sender && neighbours);
    EXPECT_TRUE(net::join_vrrp_group(sender->get(), Family::kIpv4, index));
    RouterDirectory& directory = *this;
    interface_.emplace(index, directory, limit_);
    auto& sockets = interface_->sockets(Family::kIpv4);
    sockets.vrrp.emplace(std::move(*sender), Family::kIpv4, index);
    sockets.neighbours.emplace(std::move(*neighbours), Family::kIpv4, index);
    auto loop = runtime::EventLoop::make();
    EXPECT_TRUE(loop);
    loop_.emplace(std::move(*loop));
    EXPECT_TRUE(loop_->watch(sockets.vrrp->fd(), EPOLLIN, [this](std::uint32_t) { receive(); }));
    EXPECT_TRUE(page_.map(new_page()));
    plan::VirtualRouter desired;
    desired.id = "web/ipv4";
    desired.vrid = *vrrp::Vrid::make(51);
    desired.base_priority = priority;
    for (int i = 1; i <= 20; ++i)
      desired.addresses.push_back({IpAddress::v4(192, 0, 2, std::uint8_t(100 + i)), "web"});
    const router::Ports ports{*this, *this, *this, *this, signer_};
    router_.emplace(0, desired, ports);
    ownership::Segment segment;
    segment.index = index;
    segment.name = "eth0";
    segment.mac = {{2, 0, 0, 0, 0, 1}};
    segment.primary = *IpAddress::parse(own);
    router_->set_segment(now_, segment);
    router_->start(now_);
    interface_->add_router(*router_);
  }

  [[nodiscard]] router::VirtualRouter& router() { return *router_; }
  [[nodiscard]] std::optional<TimePoint> deadline() const { return router_->deadline(); }
  void at(TimePoint now) {
    now_ = Instant{now, BootTimePoint{now.time_since_epoch()}};
    if (const auto due = router_->deadline(); due && *due <= now) router_->on_deadline(now_);
    if (const auto due = interface_->announce_deadline(); due && *due <= now) interface_->announce_due(now);
  }
  // What the other end sent is there now.
  void hear() {
    const auto before = received_;
    const auto patience = runtime::now().mono + net::kPatience;
    while (received_ == before && runtime::now().mono < patience) ASSERT_TRUE(loop_->run_once(patience));
    ASSERT_GT(received_, before);
  }
  void kernel_answers() {
    for (const auto& entry : router_->addresses().entries()) router_->on_address_added(now_, entry.ip, false);
  }

 private:
  void receive() {
    auto& socket = *interface_->sockets(Family::kIpv4).vrrp;
    const auto status = socket.receive([&](const net::ReceivedDatagram& datagram, Duration) {
      ASSERT_TRUE(datagram);
      const auto& [meta, message] = *datagram;
      const auto arrival = router_->admit(meta);
      ASSERT_TRUE(arrival);
      const auto advertisement = vrrp::parse_advertisement(meta, message, arrival->least_ttl);
      ASSERT_TRUE(advertisement);
      router_->on_advertisement(now_, meta, *arrival, *advertisement, now_.mono);
      ++received_;
    });
    ASSERT_TRUE(status);
  }
  router::VirtualRouter* find(router::RouterIndex) override { return &*router_; }
  bool send(const ownership::Segment&, std::span<const std::uint8_t> message,
            const vrrp::Endpoints& endpoints) override {
    return interface_->sockets(Family::kIpv4)
               .vrrp->transmit(message, endpoints.source, endpoints.destination) == 0;
  }
  bool add(int, const IpAddress&) override { return true; }
  bool remove(int, const IpAddress&) override { return true; }
  void request_dump() override {}
  void start(router::RouterIndex, const Instant& now) override {
    interface_->start_announcing(*router_, now.mono);
  }
  void evidence(router::RouterIndex index, const Instant& now) override {
    interface_->add_evidence(index, now.mono);
  }
  void defend(router::RouterIndex, std::size_t, const Instant&) override {}
  void stop(router::RouterIndex) override {}
  void on_transition(const router::VirtualRouter&, const election::Transition&) override {}
  void on_change(const router::VirtualRouter&) override {}
  void on_warning(const router::VirtualRouter&) override {}
  void on_owned(const router::VirtualRouter& router) override { page_.update(router); }

  const net::Namespace& where_;
  AnnounceLimit limit_;
  std::optional<Interface> interface_;
  std::optional<runtime::EventLoop> loop_;
  OwnedPageWriter page_;
  vrrp::NoSignature signer_;
  Instant now_{};
  std::optional<router::VirtualRouter> router_;
  std::size_t received_ = 0;
};

TEST(SteadyState, ThousandsOfAdvertisementsAreSentAndHeardWithoutAnAllocation) {
  const net::VethPair cable;
  End master{cable.a, "192.0.2.1", 200};
  End backup{cable.b, "192.0.2.2", 100};
  // Elections begin; the first second is not steady.
  TimePoint now{};
  const auto step = [&] {
    now = *master.deadline();
    const auto sent = master.router().counters().advertisements_sent;
    master.at(now);
    backup.at(now);
    if (master.router().counters().advertisements_sent > sent) backup.hear();
  };
  while (master.router().state() != State::kMaster) step();
  master.kernel_answers();
  ASSERT_TRUE(master.router().addresses().complete());
  for (int i = 0; i < 20; ++i) step();
  const auto sent = master.router().counters().advertisements_sent;
  const auto heard = backup.router().counters().advertisements_received;
  const auto announced = master.router().counters().announcements_sent;
  const auto before = net::allocation_count();
  for (int i = 0; i < 5000; ++i) step();  // 500 s: the addresses are refreshed several times
  EXPECT_EQ(net::allocation_count() - before, 0u);
  EXPECT_GE(master.router().counters().advertisements_sent - sent, 5000u);
  EXPECT_GE(backup.router().counters().advertisements_received - heard, 5000u);
  EXPECT_GE(master.router().counters().announcements_sent - announced, 20u * 7);
  EXPECT_EQ(backup.router().state(), State::kBackup);
}

}  // namespace
}  // namespace vipra::agent
