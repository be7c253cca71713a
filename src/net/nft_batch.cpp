#include "net/nft_batch.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstring>

namespace vipra::net {

NftBatch::NftBatch(std::uint32_t first_sequence) : first_{first_sequence}, next_{first_sequence} {
  end(begin(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

std::size_t NftBatch::begin(int type, unsigned flags, std::uint8_t family, std::uint16_t resource) {
  const auto at = data_.size();
  nlmsghdr header{};
  header.nlmsg_type = static_cast<std::uint16_t>(type);
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header.nlmsg_seq = next_++;
  nfgenmsg generic{};
  generic.nfgen_family = family;
  generic.version = NFNETLINK_V0;
  generic.res_id = htons(resource);
  data_.resize(at + NLMSG_HDRLEN + sizeof(generic));
  std::memcpy(data_.data() + at, &header, sizeof(header));
  std::memcpy(data_.data() + at + NLMSG_HDRLEN, &generic, sizeof(generic));
  return at;
}

void NftBatch::end(std::size_t at) {
  const auto length = static_cast<std::uint32_t>(data_.size() - at);
  std::memcpy(data_.data() + at + offsetof(nlmsghdr, nlmsg_len), &length, sizeof(length));
}

void NftBatch::align() {
  data_.resize(NLA_ALIGN(data_.size()));
}

void NftBatch::message(int type, std::uint8_t family, unsigned flags, const Content& content) {
  last_ = next_;
  last_at_ = begin(NFNL_SUBSYS_NFTABLES << 8 | type, flags, family, 0);
  content();
  end(last_at_);
}

void NftBatch::finish() {
  // An acknowledgement of the last one says that all were taken.
  const auto at = data_.data() + last_at_ + offsetof(nlmsghdr, nlmsg_flags);
  std::uint16_t flags = 0;
  std::memcpy(&flags, at, sizeof(flags));
  flags |= NLM_F_ACK;
  std::memcpy(at, &flags, sizeof(flags));
  end(begin(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

void NftBatch::bytes(int type, std::span<const std::uint8_t> value) {
  nlattr header{};
  header.nla_type = static_cast<std::uint16_t>(type);
  header.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size());
  const auto at = data_.size();
  data_.resize(at + NLA_HDRLEN + value.size());
  std::memcpy(data_.data() + at, &header, sizeof(header));
  if (!value.empty()) std::memcpy(data_.data() + at + NLA_HDRLEN, value.data(), value.size());
  align();
}

void NftBatch::text(int type, std::string_view value) {
  std::vector<std::uint8_t> terminated(value.begin(), value.end());
  terminated.push_back(0);
  bytes(type, terminated);
}

void NftBatch::number(int type, std::uint32_t value) {
  const std::uint32_t big = htonl(value);
  std::uint8_t raw[sizeof(big)];
  std::memcpy(raw, &big, sizeof(big));
  bytes(type, raw);
}

void NftBatch::nest(int type, const Content& content) {
  const auto at = data_.size();
  bytes(type | NLA_F_NESTED, {});
  content();
  const auto length = static_cast<std::uint16_t>(data_.size() - at);
  std::memcpy(data_.data() + at + offsetof(nlattr, nla_len), &length, sizeof(length));
}

}  // namespace vipra::net
