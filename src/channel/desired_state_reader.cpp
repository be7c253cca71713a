#include "channel/desired_state_reader.hpp"

#include <algorithm>
#include <utility>

#include "channel/part_reader.hpp"
#include "channel/protocol.hpp"
#include "channel/router_reader.hpp"

namespace vipra::channel {
namespace {

// It is read apart from protobuf, which would have refused what is not UTF-8.
bool is_node_name(std::string_view name) {
  return is_text(name, kMaxNameBytes) &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<plan::Peer> read_peer(const v1::Peer& wire) {
  if (!is_text(wire.node(), kMaxNameBytes))
    return fail(Errc::kInvalid, "a peer has no name, or one too long");
  if (wire.addresses_size() > static_cast<int>(kMaxPeerAddresses)) {
    return fail(Errc::kInvalid, "peer " + wire.node() + " has too many addresses");
  }
  plan::Peer out{wire.node(), {}, wire.rank()};
  for (const auto& item : wire.addresses()) {
    const auto ip = address_of(item);
    if (!ip || !can_be_carried(*ip)) return fail(Errc::kInvalid, "peer " + wire.node() + ": a bad address");
    out.addresses.push_back(*ip);
  }
  return out;
}

template <class Message>
bool decode_part(std::span<const std::uint8_t> bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

class Walk {
 public:
  Walk(std::span<const std::uint8_t> bytes, const DesiredStateSinks& sinks) : input_{bytes}, sinks_{sinks} {}

  Result<DesiredStateSummary> run() {
    while (!input_.at_end()) {
      if (auto status = field(input_.tag()); !status) return tl::unexpected{std::move(status).error()};
    }
    if (!is_node_name(summary_.node)) return fail(Errc::kInvalid, "the desired state names no proper node");
    if (auto status = check_leads(); !status) return tl::unexpected{std::move(status).error()};
    summary_.routers = ids_.size();
    return std::move(summary_);
  }

 private:
  static tl::unexpected<Error> malformed() {
    return fail(Errc::kInvalid, "the desired state is malformed, or a part of it is too large");
  }

  Status field(std::uint32_t tag) {
    switch (tag) {
      case PartReader::varint_tag(v1::DesiredState::kGenerationFieldNumber): {
        const auto generation = input_.varint();
        if (!generation) return malformed();
        summary_.generation = *generation;
        return {};
      }
      case PartReader::part_tag(v1::DesiredState::kNodeFieldNumber): {
        const auto text = input_.part(kMaxNameBytes);
        if (!text) return malformed();
        summary_.node.assign(reinterpret_cast<const char*>(text->data()), text->size());
        return {};
      }
      case PartReader::part_tag(v1::DesiredState::kRoutersFieldNumber):
        return router();
      case PartReader::part_tag(v1::DesiredState::kPeersFieldNumber):
        return peer();
      default:
        if (!input_.skip(tag)) return malformed();
        return {};
    }
  }

  Status router() {
    if (ids_.size() == kMaxRouters) return fail(Errc::kInvalid, "the desired state has too many routers");
    const auto bytes = input_.part(kMaxRouterBytes);
    if (!bytes || !decode_part(*bytes, router_)) return malformed();
    auto value = read_router(router_);
    if (!value) return tl::unexpected{std::move(value).error()};
    if (!ids_.empty() && ids_.back() >= value->id) {
      return fail(Errc::kInvalid, "router " + value->id + ": ids are not sorted and unique");
    }
    ids_.push_back(value->id);
    if (value->lead) followers_.emplace_back(value->id, *value->lead);
    if (sinks_.router) sinks_.router(std::move(*value));
    return {};
  }

  Status peer() {
    if (++peers_ > kMaxPeers) return fail(Errc::kInvalid, "the desired state has too many peers");
    const auto bytes = input_.part(kMaxRouterBytes);
    if (!bytes || !decode_part(*bytes, peer_)) return malformed();
    auto value = read_peer(peer_);
    if (!value) return tl::unexpected{std::move(value).error()};
    if (sinks_.peer) sinks_.peer(std::move(*value));
    return {};
  }

  // A lead leads itself: chains, and so circles, do not exist.
  Status check_leads() const {
    for (const auto& [id, lead] : followers_) {
      if (!std::binary_search(ids_.begin(), ids_.end(), lead)) {
        return fail(Errc::kInvalid, "router " + id + ": its lead " + lead + " does not exist");
      }
      const auto chained =
          std::lower_bound(followers_.begin(), followers_.end(), std::pair{lead, std::string{}});
      if (chained != followers_.end() && chained->first == lead) {
        return fail(Errc::kInvalid, "router " + id + ": its lead " + lead + " follows another");
      }
    }
    return {};
  }

  PartReader input_;
  const DesiredStateSinks& sinks_;
  DesiredStateSummary summary_;
  std::vector<std::string> ids_;                                // sorted
  std::vector<std::pair<std::string, std::string>> followers_;  // id, lead; sorted
  std::size_t peers_ = 0;
  v1::VirtualRouter router_;
  v1::Peer peer_;
};

}  // namespace

Result<DesiredStateSummary> walk_desired_state(std::span<const std::uint8_t> bytes,
                                               const DesiredStateSinks& sinks) {
  if (bytes.size() > kMaxDesiredStateBytes) return fail(Errc::kInvalid, "the desired state is too large");
  return Walk{bytes, sinks}.run();
}

}  // namespace vipra::channel
