#include "vrrp/packet.hpp"

#include <algorithm>
#include <chrono>

#include "base/check.hpp"

namespace vipra::vrrp {
namespace {

using Bytes = std::span<const std::uint8_t>;
using std::chrono::seconds;

constexpr std::uint8_t kTypeAdvertisement = 1;
constexpr std::size_t kMinIpv4Header = 20;
constexpr Duration kCentisecond = Centiseconds{1};
constexpr std::int64_t kMaxCentiseconds = 4095;  // 12 bits (section 5.2.7)
constexpr std::int64_t kMaxSeconds = 255;        // version 2

std::uint16_t read16(Bytes data, std::size_t at) noexcept {
  return static_cast<std::uint16_t>((data[at] << 8) | data[at + 1]);
}

void write16(std::span<std::uint8_t> data, std::size_t at, std::uint16_t value) noexcept {
  data[at] = static_cast<std::uint8_t>(value >> 8);
  data[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

// Lengths and protocol are below 2^16, so that both families' pseudo-headers have the same sum of words.
std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                std::size_t size) noexcept {
  std::uint32_t sum = checksum_add(0, source.bytes());
  sum = checksum_add(sum, destination.bytes());
  return sum + static_cast<std::uint32_t>(size) + kIpProtocol;
}

// The form under which the message verifies.
tl::expected<ChecksumForm, DropReason> verify_checksum(Version version, const IpMeta& meta,
                                                       Bytes message) noexcept {
  const std::uint32_t alone = checksum_add(0, message);
  const std::uint32_t pseudo = pseudo_header_sum(meta.source, meta.destination, message.size());
  if (meta.source.family() == Family::kIpv6) {
    if (checksum_fold(alone + pseudo) == 0) return ChecksumForm::kRfc9568;
    return tl::unexpected{DropReason::kChecksum};
  }
  if (checksum_fold(alone) == 0) return ChecksumForm::kRfc9568;
  if (version == Version::kV3 && checksum_fold(alone + pseudo) == 0) return ChecksumForm::kRfc5798;
  return tl::unexpected{DropReason::kChecksum};
}

std::size_t message_size(Version version, Family family, std::size_t count) noexcept {
  return kHeaderSize + count * address_size(family) + (version == Version::kV2 ? kV2AuthSize : 0);
}

// Rungs 4 to 9: what can be told without the checksum.
DropReason check_shape(const IpMeta& meta, Bytes message, int least_ttl) noexcept {
  const auto family = meta.source.family();
  if (family != meta.destination.family()) return DropReason::kIpHeader;
  if (meta.ttl < least_ttl || meta.ttl > kTtl) return DropReason::kTtl;
  if (message.size() < kHeaderSize) return DropReason::kShort;
  const int version = message[0] >> 4;
  if (version != 3 && (version != 2 || family != Family::kIpv4)) return DropReason::kVersion;
  if ((message[0] & 0x0f) != kTypeAdvertisement) return DropReason::kType;
  if (message[3] == 0) return DropReason::kAddrCount;
  if (message.size() != message_size(Version{static_cast<std::uint8_t>(version)}, family, message[3])) {
    return DropReason::kLength;
  }
  return DropReason::kNone;
}

std::uint16_t interval_field(const AdvertisementFields& fields) noexcept {
  if (fields.version == Version::kV2) {
    const auto count = fields.interval / seconds{1};
    VIPRA_CHECK(count >= 1 && count <= kMaxSeconds);
    return static_cast<std::uint16_t>(fields.auth_type << 8 | count);
  }
  const auto count = fields.interval / kCentisecond;
  VIPRA_CHECK(count >= 1 && count <= kMaxCentiseconds);
  return static_cast<std::uint16_t>(count);
}

}  // namespace

IpAddress Advertisement::address(std::size_t i) const {
  VIPRA_CHECK(i < address_count);
  const auto size = address_size(family);
  return *IpAddress::from_bytes(addresses.subspan(i * size, size));
}

tl::expected<Datagram, DropReason> parse_ipv4_datagram(Bytes packet) {
  const auto refuse = tl::unexpected{DropReason::kIpHeader};
  if (packet.size() < kMinIpv4Header || packet[0] >> 4 != 4) return refuse;
  const std::size_t header = static_cast<std::size_t>(packet[0] & 0x0f) * 4;
  const std::size_t total = read16(packet, 2);
  if (header < kMinIpv4Header || total < header || total > packet.size()) return refuse;
  constexpr std::uint16_t kMoreFragmentsAndOffset = 0x3fff;
  if ((read16(packet, 6) & kMoreFragmentsAndOffset) != 0) return refuse;
  if (packet[9] != kIpProtocol) return refuse;
  return Datagram{{*IpAddress::from_bytes(packet.subspan(12, 4)),
                   *IpAddress::from_bytes(packet.subspan(16, 4)), packet[8]},
                  packet.subspan(header, total - header)};
}

tl::expected<Advertisement, DropReason> parse_advertisement(const IpMeta& meta, Bytes message,
                                                            int least_ttl) {
  const auto shape = check_shape(meta, message, least_ttl);
  if (shape != DropReason::kNone) return tl::unexpected{shape};

  Advertisement out;
  out.version = Version{static_cast<std::uint8_t>(message[0] >> 4)};
  out.family = meta.source.family();
  const auto form = verify_checksum(out.version, meta, message);
  if (!form) return tl::unexpected{form.error()};
  out.checksum_form = *form;
  out.vrid = message[1];
  if (out.vrid == 0) return tl::unexpected{DropReason::kVrid};
  out.priority = message[2];
  out.address_count = message[3];
  out.addresses = message.subspan(kHeaderSize, out.address_count * address_size(out.family));
  if (out.version == Version::kV2) {
    out.auth_type = message[4];
    out.interval = seconds{message[5]};
    std::copy_n(message.end() - kV2AuthSize, kV2AuthSize, out.auth_data.begin());
    return out;
  }
  out.interval = kCentisecond * (read16(message, 4) & 0x0fff);
  if (out.interval == Duration::zero()) return tl::unexpected{DropReason::kIntervalZero};
  if (out.family == Family::kIpv6 && !out.address(0).is_link_local()) {
    return tl::unexpected{DropReason::kFirstNotLinklocal};
  }
  return out;
}

std::size_t build_advertisement(const AdvertisementFields& fields, const IpAddress& source,
                                const IpAddress& destination, std::span<std::uint8_t> out) {
  const auto family = fields.family;
  const auto count = fields.addresses.size();
  VIPRA_CHECK(source.family() == family && destination.family() == family);
  VIPRA_CHECK(count >= 1 && count <= (family == Family::kIpv6 ? kMaxIpv6AddressesInFrame : kMaxAddresses));
  VIPRA_CHECK(fields.version == Version::kV3 || family == Family::kIpv4);
  VIPRA_CHECK(family == Family::kIpv4 || fields.addresses[0].is_link_local());
  const auto size = message_size(fields.version, family, count);
  VIPRA_CHECK(out.size() >= size);

  const auto message = out.first(size);
  message[0] = static_cast<std::uint8_t>(static_cast<int>(fields.version) << 4 | kTypeAdvertisement);
  message[1] = fields.vrid.value();
  message[2] = fields.priority;
  message[3] = static_cast<std::uint8_t>(count);
  write16(message, 4, interval_field(fields));
  write16(message, 6, 0);
  auto at = message.begin() + kHeaderSize;
  for (const auto& address : fields.addresses) {
    VIPRA_CHECK(address.family() == family);
    at = std::copy(address.bytes().begin(), address.bytes().end(), at);
  }
  if (fields.version == Version::kV2) std::copy(fields.auth_data.begin(), fields.auth_data.end(), at);

  const bool with_pseudo_header = family == Family::kIpv6 || (fields.version == Version::kV3 &&
                                                              fields.checksum_form == ChecksumForm::kRfc5798);
  const std::uint32_t start = with_pseudo_header ? pseudo_header_sum(source, destination, size) : 0;
  write16(message, 6, checksum_fold(checksum_add(start, message)));
  return size;
}

void set_priority(std::span<std::uint8_t> message, Priority priority) noexcept {
  VIPRA_CHECK(message.size() >= kHeaderSize);
  // RFC 1624 equation 3: the only one that never leaves 0xffff where a fresh sum has 0x0000.
  const std::uint16_t before = read16(message, 2);
  message[2] = priority;
  const auto complement = [](std::uint16_t value) { return static_cast<std::uint32_t>(value ^ 0xffff); };
  const auto sum = complement(read16(message, 6)) + complement(before) + read16(message, 2);
  write16(message, 6, checksum_fold(sum));
}

void set_endpoints(std::span<std::uint8_t> message, ChecksumForm form, const Endpoints& from,
                   const Endpoints& to) noexcept {
  VIPRA_CHECK(message.size() >= kHeaderSize);
  const auto family = from.source.family();
  VIPRA_CHECK(to.source.family() == family && to.destination.family() == family);
  const bool version_3 = message[0] >> 4 == 3;
  const bool with_pseudo_header = family == Family::kIpv6 || (version_3 && form == ChecksumForm::kRfc5798);
  if (!with_pseudo_header) return;
  // Equation 3 again: complement of the old field, complements of the old words, the new words.
  std::uint32_t sum = read16(message, 6) ^ 0xffffU;
  sum += checksum_fold(checksum_add(checksum_add(0, from.source.bytes()), from.destination.bytes()));
  sum = checksum_add(sum, to.source.bytes());
  sum = checksum_add(sum, to.destination.bytes());
  write16(message, 6, checksum_fold(sum));
}

std::uint32_t checksum_add(std::uint32_t sum, Bytes data) noexcept {
  std::uint64_t wide = sum;
  for (std::size_t i = 0; i + 1 < data.size(); i += 2) wide += read16(data, i);
  if (data.size() % 2 != 0) wide += static_cast<std::uint32_t>(data.back() << 8);
  while (wide >> 16 != 0) wide = (wide & 0xffff) + (wide >> 16);
  return static_cast<std::uint32_t>(wide);
}

std::uint16_t checksum_fold(std::uint32_t sum) noexcept {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum ^ 0xffff);
}

}  // namespace vipra::vrrp
