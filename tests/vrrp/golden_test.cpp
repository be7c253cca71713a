#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "tests/vrrp/golden_vectors.hpp"
#include "vrrp/neighbour_frame.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/receive.hpp"

namespace vipra::vrrp {
namespace {

using golden::ByteString;
using golden::Json;
using std::chrono::milliseconds;

std::array<std::uint8_t, kV2AuthSize> auth_data(const Json& fields) {
  std::array<std::uint8_t, kV2AuthSize> data{};
  const auto bytes = golden::from_hex(fields.value("auth_data", ""));
  std::copy(bytes.begin(), bytes.end(), data.begin());
  return data;
}

Version version(const Json& fields) {
  return Version{fields.at("version").get<std::uint8_t>()};
}

ReceivePolicy policy(const Json& fields) {
  return {.version = version(fields),
          .vrid = *Vrid::make(fields.at("vrid").get<int>()),
          .interval = milliseconds{fields.value("interval_ms", 0)},
          .auth_type = fields.value("auth_type", std::uint8_t{0}),
          .auth_data = auth_data(fields)};
}

IpMeta meta(const Json& vector) {
  return {golden::address(vector.at("source")), golden::address(vector.at("destination")), kTtl};
}

void expect_decoded(const Advertisement& got, const Json& expected) {
  EXPECT_EQ(got.version, version(expected));
  EXPECT_EQ(got.vrid, expected.at("vrid"));
  EXPECT_EQ(got.priority, expected.at("priority"));
  EXPECT_EQ(got.interval, milliseconds{expected.at("interval_ms").get<int>()});
  EXPECT_EQ(got.auth_type, expected.value("auth_type", 0));
  EXPECT_EQ(got.auth_data, auth_data(expected));
  if (expected.contains("checksum_form")) {
    EXPECT_EQ(to_string(got.checksum_form), expected.at("checksum_form").get<std::string>());
  }
  ASSERT_EQ(got.address_count, expected.at("addresses").size());
  for (std::size_t i = 0; i < got.address_count; ++i) {
    EXPECT_EQ(got.address(i), golden::address(expected.at("addresses").at(i)));
    EXPECT_EQ(got.address(i).family(), got.family);
  }
}

std::string print(const testing::TestParamInfo<Json>& info) {
  return golden::test_name(info.param);
}

class GoldenAdvertisement : public testing::TestWithParam<Json> {};

TEST_P(GoldenAdvertisement, IsDecodedOrRefusedForItsReason) {
  const auto& vector = GetParam();
  SCOPED_TRACE(vector.at("meaning").get<std::string>());
  const auto bytes = golden::from_hex(vector.at("bytes").get<std::string>());
  const auto got = parse_advertisement(meta(vector), bytes);
  if (vector.contains("expected")) {
    ASSERT_TRUE(got) << to_string(got.error());
    expect_decoded(*got, vector.at("expected"));
  } else if (vector.contains("policy")) {
    ASSERT_TRUE(got) << to_string(got.error());
    const auto dropped = check_policy(*got, policy(vector.at("policy")));
    ASSERT_TRUE(dropped);
    EXPECT_EQ(to_string(*dropped), vector.at("drop").get<std::string>());
  } else {
    ASSERT_FALSE(got);
    EXPECT_EQ(to_string(got.error()), vector.at("drop").get<std::string>());
  }
}

TEST_P(GoldenAdvertisement, IsASeedOfItsVersionsFuzzer) {
  const auto& vector = GetParam();
  const auto bytes = golden::from_hex(vector.at("bytes").get<std::string>());
  const auto* const corpus = bytes.at(0) >> 4 == 2 ? "vrrp_v2/" : "vrrp_v3/";
  const auto path =
      std::string{VIPRA_SOURCE_DIR "/tests/fuzz/corpus/"}.append(corpus).append(vector.at("name"));
  std::ifstream in{path, std::ios::binary};
  const std::string seed{std::istreambuf_iterator<char>{in}, {}};
  ASSERT_EQ(seed.size(), 1 + bytes.size())
      << path << ": a byte of flags (advertisement_input.hpp), and these";
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), seed.begin() + 1, [](std::uint8_t a, char b) {
    return a == static_cast<std::uint8_t>(b);
  })) << path;
}

class GoldenBuild : public testing::TestWithParam<Json> {};

TEST_P(GoldenBuild, GivesTheBytes) {
  const auto& vector = GetParam();
  const auto& expected = vector.at("expected");
  std::vector<IpAddress> addresses;
  for (const auto& text : expected.at("addresses")) addresses.push_back(golden::address(text));
  AdvertisementFields fields{.version = version(expected),
                             .family = addresses.at(0).family(),
                             .vrid = *Vrid::make(expected.at("vrid").get<int>()),
                             .priority = expected.at("priority").get<Priority>(),
                             .interval = milliseconds{expected.at("interval_ms").get<int>()},
                             .addresses = addresses,
                             .auth_type = expected.value("auth_type", std::uint8_t{0}),
                             .auth_data = auth_data(expected)};
  if (expected.value("checksum_form", "RFC9568") == "RFC5798") fields.checksum_form = ChecksumForm::kRfc5798;
  std::array<std::uint8_t, kMaxMessage> out{};
  out.fill(0xa5);
  const auto carrier = meta(vector);
  const auto size = build_advertisement(fields, carrier.source, carrier.destination, out);
  EXPECT_EQ(golden::to_hex(std::span{out}.first(size)), vector.at("bytes").get<std::string>());
  EXPECT_TRUE(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(),
                          [](auto byte) { return byte == 0xa5; }));
}

template <class Predicate>
std::vector<Json> load_if(std::string_view file, Predicate wanted) {
  auto vectors = golden::load(file);
  std::erase_if(vectors, [&](const Json& vector) { return !wanted(vector); });
  return vectors;
}

INSTANTIATE_TEST_SUITE_P(, GoldenBuild,
                         testing::ValuesIn(load_if("advertisements.jsonl",
                                                   [](const Json& vector) {
                                                     return vector.contains("expected") &&
                                                            vector.value("rebuild", true);
                                                   })),
                         print);
INSTANTIATE_TEST_SUITE_P(, GoldenAdvertisement, testing::ValuesIn(golden::load("advertisements.jsonl")),
                         print);

// A resignation that is made of an ordinary advertisement is the resignation's own vector.
TEST(GoldenResignation, IsMadeOfTheOrdinaryAdvertisement) {
  for (const auto& [from, to] : {std::pair{"P5", "P8"}, {"P6", "P8b"}, {"P13", "P14"}}) {
    auto bytes = golden::from_hex(golden::find("advertisements.jsonl", from).at("bytes").get<std::string>());
    set_priority(bytes, kResign);
    EXPECT_EQ(golden::to_hex(bytes), golden::find("advertisements.jsonl", to).at("bytes").get<std::string>());
  }
}

// What goes to a peer is made of what goes to the group, and is the peer's own vector.
TEST(GoldenUnicast, IsMadeOfTheAdvertisementToTheGroup) {
  const auto p6 = golden::find("advertisements.jsonl", "P6");
  const auto p11 = golden::find("advertisements.jsonl", "P11");
  const auto endpoints = [](const Json& vector) {
    return Endpoints{golden::address(vector.at("source")), golden::address(vector.at("destination"))};
  };
  auto bytes = golden::from_hex(p6.at("bytes").get<std::string>());
  set_endpoints(bytes, ChecksumForm::kRfc5798, endpoints(p6), endpoints(p11));
  EXPECT_EQ(golden::to_hex(bytes), p11.at("bytes").get<std::string>());
  set_endpoints(bytes, ChecksumForm::kRfc5798, endpoints(p11), endpoints(p6));
  EXPECT_EQ(golden::to_hex(bytes), p6.at("bytes").get<std::string>());
  const auto p5 = golden::find("advertisements.jsonl", "P5").at("bytes").get<std::string>();
  bytes = golden::from_hex(p5);
  set_endpoints(bytes, ChecksumForm::kRfc9568, endpoints(p6), endpoints(p11));
  EXPECT_EQ(golden::to_hex(bytes), p5) << "the message alone is summed: the peer does not matter";
}

class GoldenPacket : public testing::TestWithParam<Json> {
 protected:
  // What the adapters do: strip what the socket adds, then the ladder.
  static tl::expected<Advertisement, DropReason> receive(std::span<const std::uint8_t> packet,
                                                         const Json& vector) {
    if (vector.at("layer") == "Ethernet") {
      const bool v6 = packet[12] == 0x86;
      packet = packet.subspan(14);
      if (v6) {
        const IpMeta carrier{*IpAddress::from_bytes(packet.subspan(8, 16)),
                             *IpAddress::from_bytes(packet.subspan(24, 16)), packet[7]};
        return parse_advertisement(carrier, packet.subspan(40));
      }
    }
    const auto datagram = parse_ipv4_datagram(packet);
    if (!datagram) return tl::unexpected{datagram.error()};
    std::vector<IpAddress> own;
    for (const auto& text : vector.value("own", Json::array())) own.push_back(golden::address(text));
    if (const auto arrival = check_segment(datagram->meta, {own, {}}); !arrival) {
      return tl::unexpected{arrival.error()};
    }
    return parse_advertisement(datagram->meta, datagram->message);
  }
};

TEST_P(GoldenPacket, ClimbsTheLadderToItsEnd) {
  const auto& vector = GetParam();
  SCOPED_TRACE(vector.at("meaning").get<std::string>());
  const auto packet = golden::from_hex(vector.at("bytes").get<std::string>());
  const auto got = receive(packet, vector);
  if (vector.contains("drop")) {
    ASSERT_FALSE(got);
    EXPECT_EQ(to_string(got.error()), vector.at("drop").get<std::string>());
    return;
  }
  ASSERT_TRUE(got) << to_string(got.error());
  const auto name = vector.at("advertisement").get<std::string>();
  expect_decoded(*got, golden::find("advertisements.jsonl", name).at("expected"));
}

INSTANTIATE_TEST_SUITE_P(, GoldenPacket, testing::ValuesIn(golden::load("packets.jsonl")), print);

MacAddress mac(const Json& text) {
  auto hex = text.get<std::string>();
  std::erase(hex, ':');
  const auto bytes = golden::from_hex(hex);
  MacAddress out;
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return out;
}

NeighbourFrame build(const Json& fields) {
  const auto ip = golden::address(fields.at("ip"));
  if (fields.at("kind") == "na")
    return unsolicited_na(ip, mac(fields.at("mac")), fields.at("router").get<bool>());
  return gratuitous_arp(ip, mac(fields.at("mac")),
                        fields.at("kind") == "arp-reply" ? ArpForm::kReply : ArpForm::kRequest);
}

class GoldenNeighbourFrame : public testing::TestWithParam<Json> {};

TEST_P(GoldenNeighbourFrame, ClaimsWhatItSays) {
  const auto& vector = GetParam();
  SCOPED_TRACE(vector.at("meaning").get<std::string>());
  const auto got = parse_neighbour_frame(golden::from_hex(vector.at("bytes").get<std::string>()));
  const auto& claim = vector.at("claim");
  ASSERT_EQ(got.has_value(), !claim.is_null());
  if (!got) return;
  EXPECT_EQ(got->ip, golden::address(claim.at("ip")));
  EXPECT_EQ(got->mac, mac(claim.at("mac")));
  EXPECT_EQ(got->gratuitous, claim.at("gratuitous").get<bool>());
}

class GoldenAnnouncement : public testing::TestWithParam<Json> {};

TEST_P(GoldenAnnouncement, IsWhatItsFieldsAreBuiltInto) {
  const auto& vector = GetParam();
  EXPECT_EQ(golden::to_hex(build(vector.at("build")).view()), vector.at("bytes").get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(, GoldenAnnouncement,
                         testing::ValuesIn(load_if("neighbour_frames.jsonl",
                                                   [](const Json& vector) {
                                                     return vector.contains("build");
                                                   })),
                         print);
INSTANTIATE_TEST_SUITE_P(, GoldenNeighbourFrame, testing::ValuesIn(golden::load("neighbour_frames.jsonl")),
                         print);

}  // namespace
}  // namespace vipra::vrrp
