// What one speaker leaves, the next one finds: over a real memory file.
#include "agent/speaker/owned_page_writer.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <span>

#include "tests/router/fakes.hpp"

namespace vipra::agent {
namespace {

sys::UniqueFd new_page() {
  sys::UniqueFd fd{::memfd_create("owned", MFD_CLOEXEC)};
  EXPECT_EQ(::ftruncate(fd.get(), sizeof(OwnedPage)), 0);
  void* const at = ::mmap(nullptr, sizeof(OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  EXPECT_NE(at, MAP_FAILED);
  ::new (at) OwnedPage{};
  ::munmap(at, sizeof(OwnedPage));
  return fd;
}

TEST(OwnedPage, AHeirFindsTheMasterAndItsLastAdvertisement) {
  const auto fd = new_page();
  router::Bench bench;
  bench.become_master();
  {
    OwnedPageWriter writer;
    ASSERT_TRUE(writer.map(fd));
    writer.update(bench.router);
  }
  OwnedPageWriter heir;
  ASSERT_TRUE(heir.map(fd));
  const auto left = heir.take_left_behind("web/ipv4");
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->adoption.was_master);
  EXPECT_EQ(left->adoption.last_advert, bench.router.last_advert().boot);
  EXPECT_EQ(left->interface_index, 2);
  EXPECT_FALSE(heir.take_left_behind("web/ipv4").has_value()) << "once";
}

TEST(OwnedPage, NamesTheGroupAndEveryPeerForWhoeverHasToResign) {
  const auto fd = new_page();
  auto desired = router::desired_v4();
  const auto own = *IpAddress::parse("10.0.2.15");
  const auto peer = *IpAddress::parse("10.0.2.20");
  desired.transport = {plan::TransportMode::kBoth, {peer}};
  auto on = router::segment();
  on.unicast = {{own}, {{peer, own, true}}};
  router::Bench bench{desired, on};
  bench.become_master();
  OwnedPageWriter writer;
  ASSERT_TRUE(writer.map(fd));
  writer.update(bench.router);
  auto* const page = static_cast<OwnedPage*>(
      ::mmap(nullptr, sizeof(OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  ASSERT_NE(page, MAP_FAILED);
  const auto& owned = page->slots[0].router;
  ASSERT_EQ(owned.destination_count, 2);
  EXPECT_TRUE(std::ranges::equal(std::span{owned.destinations[0].destination}.first(4),
                                 vrrp_group(Family::kIpv4).bytes()));
  EXPECT_TRUE(std::ranges::equal(std::span{owned.destinations[1].source}.first(4), own.bytes()));
  EXPECT_TRUE(std::ranges::equal(std::span{owned.destinations[1].destination}.first(4), peer.bytes()));
  ::munmap(page, sizeof(OwnedPage));
}

TEST(OwnedPage, AHeirFindsTheChecksumFormThatWasSent) {
  const auto fd = new_page();
  router::Bench bench;
  bench.become_master();
  bench.hear(10, "10.0.2.1", std::chrono::milliseconds{100}, vrrp::ChecksumForm::kRfc5798);
  {
    OwnedPageWriter writer;
    ASSERT_TRUE(writer.map(fd));
    writer.update(bench.router);
  }
  OwnedPageWriter heir;
  ASSERT_TRUE(heir.map(fd));
  const auto left = heir.take_left_behind("web/ipv4");
  ASSERT_TRUE(left);
  EXPECT_EQ(left->sent_form, vrrp::ChecksumForm::kRfc5798);
}

TEST(OwnedPage, AHeirFindsWhichTracksHadFailedUnlessTheSlotIsTorn) {
  for (const bool torn : {false, true}) {
    const auto fd = new_page();
    const router::Bench bench;
    {
      OwnedPageWriter writer;
      ASSERT_TRUE(writer.map(fd));
      writer.update(bench.router, 0b101);
    }
    auto* const page = static_cast<OwnedPage*>(
        ::mmap(nullptr, sizeof(OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
    ASSERT_NE(page, MAP_FAILED);
    if (torn) page->slots[0].sequence.fetch_add(1);
    OwnedPageWriter heir;
    ASSERT_TRUE(heir.map(fd));
    const auto left = heir.take_left_behind("web/ipv4");
    ASSERT_TRUE(left);
    EXPECT_EQ(left->failed_tracks, torn ? 0U : 0b101U);
    ::munmap(page, sizeof(OwnedPage));
  }
}

TEST(OwnedPage, ASlotThatWasBeingWrittenIsNotTrusted) {
  const auto fd = new_page();
  router::Bench bench;
  bench.become_master();
  {
    OwnedPageWriter writer;
    ASSERT_TRUE(writer.map(fd));
    writer.update(bench.router);
  }
  auto* const page = static_cast<OwnedPage*>(
      ::mmap(nullptr, sizeof(OwnedPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  ASSERT_NE(page, MAP_FAILED);
  page->slots[0].sequence.fetch_add(1);  // odd: SIGKILL came in between
  OwnedPageWriter heir;
  ASSERT_TRUE(heir.map(fd));
  const auto left = heir.take_left_behind("web/ipv4");
  ASSERT_TRUE(left) << "its addresses must still be cleaned up";
  EXPECT_FALSE(left->adoption.was_master);
  ::munmap(page, sizeof(OwnedPage));
}

TEST(OwnedPage, ARemovedRouterLeavesNothing) {
  const auto fd = new_page();
  router::Bench bench;
  OwnedPageWriter writer;
  ASSERT_TRUE(writer.map(fd));
  writer.update(bench.router);
  writer.remove(bench.router.index());
  OwnedPageWriter heir;
  ASSERT_TRUE(heir.map(fd));
  EXPECT_FALSE(heir.take_left_behind("web/ipv4").has_value());
}

TEST(OwnedPage, AFileThatIsTooSmallIsRefused) {
  sys::UniqueFd fd{::memfd_create("owned", MFD_CLOEXEC)};
  ASSERT_EQ(::ftruncate(fd.get(), 4096), 0);
  OwnedPageWriter writer;
  EXPECT_FALSE(writer.map(fd));
}

}  // namespace
}  // namespace vipra::agent
