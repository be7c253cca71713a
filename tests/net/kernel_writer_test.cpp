#include "net/kernel_writer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "net/vrrp_socket.hpp"
#include "tests/net/allocation_count.hpp"
#include "tests/net/eventually.hpp"
#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

const IpAddress kV4 = *IpAddress::parse("192.0.2.10");
const IpAddress kV6 = *IpAddress::parse("2001:db8::10");

class KernelWriterTest : public testing::Test {
 protected:
  void make(std::size_t capacity = KernelWriter::kCapacity) {
    const Namespace::Inside inside{veth.a};
    auto made = KernelWriter::make(capacity);
    ASSERT_TRUE(made.has_value()) << made.error().what;
    writer = std::move(*made);
  }
  void start() {
    make();
    ASSERT_TRUE(writer->start().has_value());
  }
  // Results in order, once there are `count` of them.
  std::vector<KernelResult> collect(std::size_t count) {
    std::vector<KernelResult> results;
    while (results.size() < count && wait_readable(writer->fd(), kPatience))
      writer->drain([&](KernelResult&& result) { results.push_back(std::move(result)); });
    EXPECT_EQ(results.size(), count);
    return results;
  }
  static IpAddress nth(int i) {
    return IpAddress::v4(198, 51, std::uint8_t(i / 250), std::uint8_t(i % 250 + 1));
  }

  VethPair veth;
  int eth0 = veth.index_a();
  std::unique_ptr<KernelWriter> writer;
};

TEST_F(KernelWriterTest, EachCommandHasOneResultInOrder) {
  start();
  ASSERT_TRUE(writer->post(AddAddress{1, eth0, kV4}));
  ASSERT_TRUE(writer->post(AddAddress{2, eth0, kV4}));
  ASSERT_TRUE(writer->post(AddAddress{3, 99, kV6}));
  ASSERT_TRUE(writer->post(DumpKernel{4}));
  ASSERT_TRUE(writer->post(RemoveAddress{5, eth0, kV4}));
  ASSERT_TRUE(writer->post(RemoveAllMarked{6}));
  const auto results = collect(6);
  ASSERT_EQ(results.size(), 6u);
  const std::vector<CommandKind> kinds{CommandKind::kAddAddress,    CommandKind::kAddAddress,
                                       CommandKind::kAddAddress,    CommandKind::kDump,
                                       CommandKind::kRemoveAddress, CommandKind::kRemoveAllMarked};
  const std::vector<CommandOutcome> outcomes{CommandOutcome::kDone,   CommandOutcome::kAlreadyThere,
                                             CommandOutcome::kFailed, CommandOutcome::kDone,
                                             CommandOutcome::kDone,   CommandOutcome::kDone};
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].token, i + 1);
    EXPECT_EQ(results[i].kind, kinds[i]);
    EXPECT_EQ(results[i].outcome, outcomes[i]) << results[i].error.what;
    EXPECT_EQ(results[i].dump != nullptr, kinds[i] == CommandKind::kDump);
  }
  EXPECT_EQ(results[2].error.sys_errno, ENODEV);
  EXPECT_TRUE(std::any_of(results[3].dump->addresses.begin(), results[3].dump->addresses.end(),
                          [](const auto& address) { return address.ip == kV4 && address.is_ours(); }));
}

TEST_F(KernelWriterTest, ThousandAddressesAreAddedAndRemoved) {
  start();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(writer->post(AddAddress{CommandToken(i), eth0, nth(i)}));
  ASSERT_TRUE(writer->post(DumpKernel{1000}));
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(writer->post(RemoveAddress{CommandToken(2000 + i), eth0, nth(i)}));
  ASSERT_TRUE(writer->post(DumpKernel{3000}));
  const auto results = collect(2002);
  ASSERT_EQ(results.size(), 2002u);
  for (const auto& result : results) ASSERT_EQ(result.outcome, CommandOutcome::kDone) << result.error.what;
  const auto ours = [](const KernelDump& dump) {
    return std::count_if(dump.addresses.begin(), dump.addresses.end(),
                         [](const auto& address) { return address.is_ours(); });
  };
  EXPECT_EQ(ours(*results[1000].dump), 1000);
  EXPECT_EQ(ours(*results[2001].dump), 0);
}

TEST_F(KernelWriterTest, FullIsAnAnswerUntilResultsAreRead) {
  make(4);
  for (CommandToken token = 0; token < 4; ++token) EXPECT_TRUE(writer->post(RemoveAddress{token, eth0, kV4}));
  EXPECT_FALSE(writer->post(DumpKernel{5}));
  ASSERT_TRUE(writer->start().has_value());
  // Each result counts one up: all commands have run, and no result has been read.
  std::uint64_t ready = 0;
  ASSERT_TRUE(eventually([&] {
    std::uint64_t more = 0;
    if (::read(writer->fd(), &more, sizeof(more)) == sizeof(more)) ready += more;
    return ready == 4;
  }));
  EXPECT_FALSE(writer->post(DumpKernel{5}));

  std::size_t seen = 0;
  bool posted = false;
  EXPECT_TRUE(eventually([&] {
    writer->drain([&](KernelResult&&) {
      ++seen;
      if (!posted) posted = writer->post(DumpKernel{5});
    });
    return seen == 5;
  }));
  EXPECT_TRUE(posted) << "posting from within drain, once there is room";
}

TEST_F(KernelWriterTest, StopFinishesWhatWasPostedAndKeepsTheResults) {
  start();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer->post(AddAddress{CommandToken(i), eth0, nth(i)}));
  writer->stop();
  EXPECT_FALSE(writer->post(DumpKernel{1}));
  EXPECT_EQ(collect(100).size(), 100u);
  writer->stop();
}

TEST_F(KernelWriterTest, StopWithoutStartReturns) {
  make();
  ASSERT_TRUE(writer->post(DumpKernel{1}));
  writer->stop();
}

TEST_F(KernelWriterTest, JoinsAGroupTwiceAndTellsWhyItCannot) {
  start();
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    sys::UniqueFd fd;
    {
      const Namespace::Inside inside{veth.a};
      auto opened = open_vrrp_socket(family, eth0, "eth0");
      ASSERT_TRUE(opened.has_value()) << opened.error().what;
      fd = std::move(*opened);
    }
    ASSERT_TRUE(writer->post(JoinGroup{1, fd.get(), eth0, family}));
    ASSERT_TRUE(writer->post(JoinGroup{2, fd.get(), eth0, family}));
    ASSERT_TRUE(writer->post(JoinGroup{3, fd.get(), 99, family}));
    const auto results = collect(3);
    ASSERT_EQ(results.size(), 3u);
    EXPECT_EQ(results[0].outcome, CommandOutcome::kDone) << results[0].error.what;
    EXPECT_EQ(results[1].outcome, CommandOutcome::kDone) << results[1].error.what;
    EXPECT_EQ(results[2].outcome, CommandOutcome::kFailed);
    EXPECT_EQ(results[2].error.sys_errno, ENODEV) << results[2].error.what;
    veth.a.run(family == Family::kIpv4 ? "ip maddr show dev eth0 | grep -q 224.0.0.18"
                                       : "ip maddr show dev eth0 | grep -q ff02::12");
  }
}

TEST_F(KernelWriterTest, PostingAndDrainingAllocateNothing) {
  start();
  ASSERT_TRUE(writer->post(AddAddress{1, eth0, kV4}));
  ASSERT_TRUE(wait_readable(writer->fd(), kPatience));
  const auto before = allocation_count();
  std::size_t seen = 0;
  for (int i = 0; i < 100; ++i) {
    if (!writer->post(RemoveAddress{1, eth0, kV4}) || !writer->post(AddAddress{2, eth0, kV4})) break;
    (void)wait_readable(writer->fd(), kPatience);
    writer->drain([&](KernelResult&&) { ++seen; });
  }
  EXPECT_EQ(allocation_count(), before);
  EXPECT_GE(seen, 100u);
}

}  // namespace
}  // namespace vipra::net
