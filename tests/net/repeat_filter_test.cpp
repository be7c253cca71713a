// Two sockets on one real cable: which of them hears what.
#include "net/repeat_filter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <set>
#include <thread>
#include <vector>

#include "net/vrrp_socket.hpp"
#include "tests/net/eventually.hpp"
#include "tests/net/namespace.hpp"

namespace vipra::net {
namespace {

using namespace std::chrono_literals;
using Message = std::vector<std::uint8_t>;

class RepeatFilterTest : public testing::TestWithParam<Family> {
 protected:
  RepeatFilterTest() {
    const Namespace::Inside inside{veth.b};
    auto news_fd = open_vrrp_socket(GetParam(), index_b, "eth0");
    auto repeats_fd = open_repeats_socket(GetParam(), index_b, "eth0");
    if (!news_fd || !repeats_fd || !join_vrrp_group(news_fd->get(), GetParam(), index_b))
      throw std::runtime_error{"sockets"};
    news.emplace(std::move(*news_fd), GetParam(), index_b);
    repeats.emplace(std::move(*repeats_fd), GetParam(), index_b);
    const Namespace::Inside other{veth.a};
    auto sender_fd = open_vrrp_socket(GetParam(), index_a, "eth0");
    if (!sender_fd) throw std::runtime_error{sender_fd.error().what};
    sender.emplace(std::move(*sender_fd), GetParam(), index_a);
  }

  [[nodiscard]] bool v4() const { return GetParam() == Family::kIpv4; }
  [[nodiscard]] IpAddress source() const { return *IpAddress::parse(v4() ? "192.0.2.1" : "fe80::1"); }
  static RepeatedAdvertisement repeated(const IpAddress& source, const Message& message) {
    RepeatedAdvertisement out{.source = source};
    std::copy_n(message.begin(), out.head.size(), out.head.begin());
    return out;
  }
  void hold(const std::vector<RepeatedAdvertisement>& list) {
    ASSERT_TRUE(attach_filter(repeats->fd(), repeat_filter(list, GetParam(), Hears::kRepeats)));
    ASSERT_TRUE(attach_filter(news->fd(), repeat_filter(list, GetParam(), Hears::kOthers)));
  }
  void release() {
    ASSERT_TRUE(detach_filter(news->fd()));
    ASSERT_TRUE(attach_filter(repeats->fd(), repeat_filter({}, GetParam(), Hears::kRepeats)));
  }
  void say(const Message& message) { ASSERT_TRUE(sender->send(message, source(), vrrp_group(GetParam()))); }
  static std::size_t drain(VrrpSocket& socket, const std::function<void(const Message&)>& take = {}) {
    std::size_t count = 0;
    EXPECT_TRUE(socket.receive([&](const ReceivedDatagram& datagram, Duration) {
      ++count;
      if (datagram && take) take({datagram->message.begin(), datagram->message.end()});
    }));
    return count;
  }
  // Says it, and tells which socket got it. A cable between namespaces delivers before send() returns or a
  // moment later; it is in one of the two sockets, whose order of arrival says that the other got nothing.
  enum class By { kNews, kRepeats, kBoth };
  By heard_by(const Message& message) {
    say(message);
    std::size_t from_news = 0;
    std::size_t from_repeats = 0;
    EXPECT_TRUE(eventually([&] {
      from_news += drain(*news);
      from_repeats += drain(*repeats);
      return from_news + from_repeats > 0;
    }));
    from_news += drain(*news);
    from_repeats += drain(*repeats);
    EXPECT_LE(from_news, 1u);
    EXPECT_LE(from_repeats, 1u);
    if (from_news > 0 && from_repeats > 0) return By::kBoth;
    return from_news > 0 ? By::kNews : By::kRepeats;
  }

  VethPair veth;
  int index_a = veth.index_a();
  int index_b = veth.index_b();
  std::optional<VrrpSocket> news;
  std::optional<VrrpSocket> repeats;
  std::optional<VrrpSocket> sender;
  const Message master{0x31, 7, 200, 1, 0, 100, 0xab, 0xcd, 192, 0, 2, 10};
};

TEST_P(RepeatFilterTest, NothingIsARepeatAtFirst) {
  EXPECT_EQ(heard_by(master), By::kNews);
}

TEST_P(RepeatFilterTest, OnlyWhatSaysTheSameIsARepeat) {
  hold({repeated(source(), master)});
  EXPECT_EQ(heard_by(master), By::kRepeats);
  auto other_rest = master;
  other_rest[6] = 1;
  other_rest[11] = 99;
  EXPECT_EQ(heard_by(other_rest), By::kRepeats) << "is judged when it is read";
  for (std::size_t byte = 0; byte < RepeatedAdvertisement::kHead; ++byte) {
    auto changed = master;
    changed[byte] ^= 0x10;
    EXPECT_EQ(heard_by(changed), By::kNews) << "byte " << byte;
  }
  auto resigns = master;
  resigns[2] = 0;
  EXPECT_EQ(heard_by(resigns), By::kNews);
}

TEST_P(RepeatFilterTest, AnotherSenderIsNews) {
  hold({repeated(*IpAddress::parse(v4() ? "192.0.2.77" : "fe80::77"), master)});
  EXPECT_EQ(heard_by(master), By::kNews);
}

TEST_P(RepeatFilterTest, WhatIsTooShortToCompareIsNews) {
  hold({repeated(source(), master)});
  for (const std::size_t size : {1U, 4U, 6U, 7U}) {
    EXPECT_EQ(heard_by(Message(master.begin(), master.begin() + static_cast<long>(size))), By::kNews) << size;
  }
}

TEST_P(RepeatFilterTest, HoldsOneOfEachVridOfManySenders) {
  std::vector<RepeatedAdvertisement> list;
  for (int vrid = 1; vrid <= 255; ++vrid) {
    auto one = repeated(source(), master);
    one.head[1] = static_cast<std::uint8_t>(vrid);
    if (vrid % 3 == 0) one.head[5] = 10;
    if (vrid % 5 == 0) one.source = *IpAddress::parse(v4() ? "192.0.2.9" : "fe80::9");
    list.push_back(one);
  }
  EXPECT_LT(repeat_filter(list, GetParam(), Hears::kOthers).size(), 400u);
  hold(list);
  for (int vrid = 1; vrid <= 255; ++vrid) {
    auto message = master;
    message[1] = static_cast<std::uint8_t>(vrid);
    message[5] = vrid % 3 == 0 ? 10 : 100;
    EXPECT_EQ(heard_by(message), vrid % 5 == 0 ? By::kNews : By::kRepeats) << vrid;
    message[5] = 50;
    EXPECT_EQ(heard_by(message), By::kNews) << vrid;
  }
}

// Each of another sender: the longest there can be. For IPv6 the kernel takes no filter that long, and the
// sockets hear what they heard before.
TEST_P(RepeatFilterTest, EveryVridOfAnotherSender) {
  std::vector<RepeatedAdvertisement> list;
  for (int vrid = 1; vrid <= 255; ++vrid) {
    auto one = repeated(*IpAddress::parse((v4() ? "192.0.3." : "fe80::3:") + std::to_string(vrid)), master);
    one.head[1] = static_cast<std::uint8_t>(vrid);
    list.push_back(one);
  }
  list.back() = repeated(source(), master);
  const auto filter = repeat_filter(list, GetParam(), Hears::kOthers);
  EXPECT_LT(filter.size(), std::size_t{BPF_MAXINSNS} * 2);
  EXPECT_EQ(filter.size() <= BPF_MAXINSNS, v4());
  if (v4()) {
    hold(list);
    EXPECT_EQ(heard_by(master), By::kRepeats);
  } else {
    const auto refused = attach_filter(news->fd(), filter);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().sys_errno, EINVAL);
    EXPECT_EQ(heard_by(master), By::kNews);
  }
}

TEST_P(RepeatFilterTest, ReleasedAllIsNewsAgain) {
  hold({repeated(source(), master)});
  release();
  EXPECT_EQ(heard_by(master), By::kNews);
  release();
  EXPECT_EQ(heard_by(master), By::kNews) << "twice is no error";
}

TEST_P(RepeatFilterTest, NothingIsLostWhileTheKernelIsToldAnew) {
  constexpr int kCount = 4000;
  std::set<int> heard;
  // A slow reader must not be the reason: no queue on the way may be full.
  constexpr int kMostUnread = 200;
  std::atomic<int> count = 0;
  const auto take = [&](const Message& message) {
    heard.insert(message[10] << 8 | message[11]);
    count = static_cast<int>(heard.size());
  };
  std::jthread speaking{[&](const std::stop_token& stop) {
    for (int i = 0; i < kCount && !stop.stop_requested(); ++i) {
      while (i > count + kMostUnread && !stop.stop_requested()) std::this_thread::yield();
      auto message = master;
      message[10] = static_cast<std::uint8_t>(i >> 8);
      message[11] = static_cast<std::uint8_t>(i);
      while (!sender->send(message, source(), vrrp_group(GetParam()))) std::this_thread::yield();
    }
  }};
  const auto all = [&] { return heard.size() == kCount; };
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!all() && std::chrono::steady_clock::now() < give_up) {
    hold({repeated(source(), master)});
    drain(*repeats, take);
    drain(*news, take);
    release();
    drain(*repeats, take);
    drain(*news, take);
  }
  EXPECT_TRUE(all()) << heard.size() << " of " << kCount;
}

INSTANTIATE_TEST_SUITE_P(, RepeatFilterTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& family) { return std::string{to_string(family.param)}; });

TEST(RepeatedAdvertisement, KnowsItsInterval) {
  EXPECT_EQ((RepeatedAdvertisement{.source = {}, .head = {0x31, 1, 1, 1, 0x0f, 0xff}}.interval()), 40950ms);
  EXPECT_EQ((RepeatedAdvertisement{.source = {}, .head = {0x31, 1, 1, 1, 0xf0, 0x01}}.interval()), 10ms)
      << "the upper bits are reserved";
  EXPECT_EQ((RepeatedAdvertisement{.source = {}, .head = {0x21, 1, 1, 1, 1, 3}}.interval()), 3s)
      << "in version 2 the fifth byte is the kind of authentication";
}

}  // namespace
}  // namespace vipra::net
