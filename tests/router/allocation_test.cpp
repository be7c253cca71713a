// Steady state allocates nothing: counted by replacing operator new in this binary.
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/router/fakes.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}

// Not inlined: the compiler would see through to malloc and free, and warn of the mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* at = std::malloc(size)) return at;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* at) noexcept {
  std::free(at);
}
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept {
  std::free(at);
}

namespace vipra::router {
namespace {

template <class Work>
std::size_t count(Work&& work) {
  const auto before = allocations.load();
  work();
  return allocations.load() - before;
}

TEST(Allocation, TheCounterCounts) {
  int* volatile at = nullptr;  // or the compiler leaves the pair out
  EXPECT_EQ(count([&] { at = new int{1}; }), 1u);
  delete at;
}

TEST(Allocation, AMasterSendsAndHearsWithoutAny) {
  Bench b;
  b.become_master();
  b.hear(50);  // the first one decides the checksum form, and the message is built for it
  b.world.record = false;
  EXPECT_EQ(count([&] {
              for (int i = 1; i <= 1000; ++i) {
                b.until(500ms + i * 100ms);
                b.hear(50);
              }
            }),
            0u);
  EXPECT_GT(b.router.counters().advertisements_sent, 1000u);
}

TEST(Allocation, SendingToPeersNeedsNoneEither) {
  auto desired = desired_v4();
  const auto own = *IpAddress::parse("10.0.2.15");
  const auto peer = *IpAddress::parse("10.0.2.20");
  desired.transport = {plan::TransportMode::kBoth, {peer}};
  auto on = segment();
  on.unicast = {{own}, {{peer, own, true}}};
  Bench b{desired, on};
  b.become_master();
  b.hear(50);
  b.world.record = false;
  EXPECT_EQ(count([&] {
              for (int i = 1; i <= 1000; ++i) {
                b.until(500ms + i * 100ms);
                b.hear_at(vrrp_group(Family::kIpv4), 50, "10.0.2.20");
                b.hear_at(own, 50, "10.0.2.20");
              }
            }),
            0u);
  EXPECT_GT(b.router.counters().advertisements_sent, 1000u);
}

TEST(Allocation, AMasterOfVersion2SendsWithoutAny) {
  auto desired = desired_v4();
  desired.version = vrrp::Version::kV2;
  desired.interval = 1s;
  desired.password = vrrp::SimplePassword::make("1111");
  Bench b{desired};
  b.until(5s);
  b.kernel_answers();
  b.world.record = false;
  EXPECT_EQ(count([&] { b.until(1000s); }), 0u);
  EXPECT_GT(b.router.counters().advertisements_sent, 900u);
}

TEST(Allocation, StrangersCostNone) {
  Bench b;
  b.become_master();
  b.until(5s);
  const vrrp::NeighbourClaim claim{*IpAddress::parse("10.0.2.100"), {{2, 0, 0, 0, 0, 9}}, true};
  const ConflictWatch::OtherRouter other{claim.ip, *IpAddress::parse("10.0.2.30"), 52};
  const auto dispute = [&](int i) {
    b.until(5s + i * 10ms);
    b.router.on_claim(b.now, claim, b.now.mono);
    b.router.on_foreign_advertisement(b.now, other, 5s);
  };
  b.world.record = false;
  for (int i = 0; i < 200; ++i) dispute(i);  // the warnings have their words
  EXPECT_EQ(count([&] {
              for (int i = 200; i < 2000; ++i) dispute(i);
            }),
            0u);
}

TEST(Allocation, ABackupHearsWithoutAny) {
  Bench b;
  b.hear(200);
  b.world.record = false;
  EXPECT_EQ(count([&] {
              for (int i = 1; i <= 1000; ++i) {
                b.until(i * 100ms);
                b.hear(200);
              }
            }),
            0u);
  EXPECT_EQ(b.router.state(), State::kBackup);
}

}  // namespace
}  // namespace vipra::router
