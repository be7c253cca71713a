#include "cli/explain_router.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "cli/guide.hpp"
#include "cli/names.hpp"
#include "cli/query.hpp"
#include "cli/text.hpp"

namespace vipra::cli {
namespace {

constexpr std::size_t kLabelWidth = 10;

std::string labelled(std::string_view label, std::string_view text) {
  std::string out = "  " + std::string{label};
  out += std::string(label.size() < kLabelWidth ? kLabelWidth - label.size() : 1, ' ');
  out += text;
  out += '\n';
  return out;
}

bool holds_addresses(const v1::RouterReport& router) {
  return router.state() == wire::STATE_MASTER || router.state() == wire::STATE_RELEASING;
}

std::string heading(const v1::VirtualIPReport& vip, const v1::RouterReport& router) {
  std::string out = printable(router.family()) + ": router " + printable(router.id()) + ", VRID " +
                    std::to_string(router.virtual_router_id());
  if (!router.interface().empty()) out += " on " + printable(router.interface());
  if (router.interval_ns() > 0) out += ", advertisement every " + interval_text(router.interval_ns());
  if (router.misses() > 0) out += ", takeover after " + std::to_string(router.misses()) + " missed";
  std::vector<std::string> others;
  for (const auto& other : router.virtual_ips()) {
    if (other != vip.name()) others.push_back(printable(other));
  }
  if (!others.empty()) out += ", shared with " + joined(others, ", ");
  return out + "\n";
}

std::string state_line(const v1::RouterReport& router, std::int64_t now) {
  std::string out = name(router.state());
  if (router.since_unix_ns() != 0) {
    out += " for " + age(router.since_unix_ns(), now) + ", since " + utc(router.since_unix_ns());
  }
  if (router.reason() != wire::REASON_NONE) out += " (" + name(router.reason()) + ")";
  return out;
}

// Whom it goes with, or who goes with it; empty for a router that is alone.
std::string lead_text(const v1::NodeReport& report, const v1::RouterReport& router) {
  const std::string group = router.group().empty() ? "" : " in the group " + printable(router.group());
  if (router.follows()) {
    if (router.lead().empty()) return "another router of this node";
    return printable(router.lead()) + group + ": this one is master where that one is";
  }
  std::vector<std::string> followers;
  for (const auto& other : report.routers()) {
    if (other.lead() == router.id()) followers.push_back(printable(other.id()));
  }
  if (followers.empty())
    return group.empty() ? "" : "this router" + group + ", which has no other member here";
  return "this router" + group + "; it is followed by " + joined(followers, ", ");
}

// Where the speaker gave no sentence, one from the numbers; else what the reason means.
std::string because(const v1::RouterReport& router) {
  if (!router.detail().empty()) return printable(router.detail());
  const std::string own = std::to_string(router.effective_priority());
  const std::string other =
      std::to_string(router.master_priority()) + " of " + printable(router.master_address());
  if (!router.master_address().empty()) {
    if (router.reason() == wire::REASON_LOWER_PRIORITY) return "priority " + own + " < " + other;
    if (router.reason() == wire::REASON_LOWER_ADDRESS) {
      return "priority " + own + " = " + other + ", which is the greater address";
    }
    if (router.reason() == wire::REASON_NOT_PREEMPTING) {
      return "priority " + own + " > " + other + ", but the policy does not preempt";
    }
  }
  const auto known = guide_of_reason(static_cast<int>(router.reason()));
  return known && router.reason() != wire::REASON_NONE ? std::string{known->meaning} : name(router.reason());
}

const v1::CheckReport* check_behind(const v1::VirtualIPReport& vip, const v1::ContributionReport& part) {
  constexpr std::string_view kPrefix = "check/";
  const std::string_view source = part.source();
  if (source.substr(0, kPrefix.size()) != kPrefix) return nullptr;
  for (const auto& check : vip.checks()) {
    if (check.name() == source.substr(kPrefix.size())) return &check;
  }
  return nullptr;
}

std::string contribution_text(const v1::VirtualIPReport& vip, const v1::ContributionReport& part) {
  std::string out = printable(part.source());
  std::replace(out.begin(), out.end(), '/', ' ');
  if (part.fault()) {
    out += " forces a fault";
  } else {
    out += (part.delta() > 0 ? " +" : " ") + std::to_string(part.delta());
  }
  std::vector<std::string> why;
  const auto* check = check_behind(vip, part);
  const bool counted = part.detail().find(" failed") != std::string::npos;
  if (check != nullptr && check->fall() > 0 && check->failures() > 0 && !counted) {
    why.push_back(std::to_string(std::min(check->failures(), check->fall())) + " of " +
                  std::to_string(check->fall()) + " failed");
  }
  if (!part.detail().empty()) {
    why.push_back(printable(part.detail()));
  } else if (part.reason() != wire::REASON_NONE && why.empty()) {
    why.push_back(name(part.reason()));
  }
  if (part.stale()) why.emplace_back("stale: kept as it was last known");
  return why.empty() ? out : out + " (" + joined(why, "; ") + ")";
}

std::string master_text(const v1::RouterReport& router) {
  if (router.state() == wire::STATE_MASTER) return "this node";
  if (router.master_address().empty()) return "none heard";
  return printable(router.master_address()) + " with priority " + std::to_string(router.master_priority());
}

std::string address_text(const v1::RouterReport& router, const v1::AddressReport& address) {
  std::string out = printable(address.address());
  const bool wanted = holds_addresses(router);
  if (address.present()) {
    out += wanted ? " present" : " PRESENT, although this node does not own it";
  } else {
    out += wanted ? " MISSING" : " absent, as it should be";
  }
  if (!address.error().empty()) out += ": " + printable(address.error());
  return out;
}

std::string track_text(const v1::TrackReport& track) {
  std::string out = printable(track.name()) + " (" + printable(track.kind()) + "): ";
  out += track.failed() ? "FAILED" : track.decided() ? "ok" : "not known yet";
  if (!track.detail().empty()) out += ": " + printable(track.detail());
  return out;
}

std::string drops_text(const v1::RouterReport& router) {
  std::vector<std::string> parts;
  for (const auto& drop : router.drops()) {
    if (drop.count() > 0) parts.push_back(name(drop.reason()) + " " + std::to_string(drop.count()));
  }
  return joined(parts, ", ");
}

}  // namespace

std::string why_sentence(const v1::RouterReport& router) {
  std::string_view verdict = "not owner";
  if (router.state() == wire::STATE_MASTER) verdict = "owner";
  if (router.state() == wire::STATE_RELEASING) verdict = "owner until the taker has announced";
  if (router.state() == wire::STATE_UNKNOWN) verdict = "owner unknown";
  return std::string{verdict} + ": " + because(router);
}

std::string priority_sum(const v1::VirtualIPReport& vip, const v1::RouterReport& router) {
  std::string out = std::to_string(router.effective_priority());
  std::int64_t sum = router.base_priority();
  std::vector<std::string> parts{"base " + std::to_string(router.base_priority())};
  for (const auto& part : router.contributions()) {
    sum += part.delta();
    parts.push_back(contribution_text(vip, part));
  }
  if (parts.size() == 1 && sum == router.effective_priority()) return out + ", the base: nothing adds to it";
  out += " = " + joined(parts, ", ");
  if (sum != router.effective_priority()) out += "; " + std::to_string(sum) + " is out of range";
  return out;
}

std::string router_paragraph(const v1::NodeReport& report, const v1::VirtualIPReport& vip,
                             const v1::RouterReport& router, std::int64_t now) {
  std::string out = heading(vip, router);
  out += labelled("state", state_line(router, now));
  out += labelled("why", why_sentence(router));
  if (const auto lead = lead_text(report, router); !lead.empty()) out += labelled("lead", lead);
  out += labelled("priority", priority_sum(vip, router));
  out += labelled("master", master_text(router));
  for (const auto& address : router.addresses()) {
    const bool foreign = !address.virtual_ip().empty() && address.virtual_ip() != vip.name();
    if (!foreign) out += labelled("address", address_text(router, address));
  }
  for (const auto& track : router.tracks()) out += labelled("track", track_text(track));
  if (router.warning() != wire::REASON_NONE || !router.warning_detail().empty()) {
    std::string warning = router.warning() == wire::REASON_NONE ? "" : name(router.warning());
    if (!router.warning_detail().empty()) {
      warning += (warning.empty() ? "" : ": ") + printable(router.warning_detail());
    }
    out += labelled("warning", warning);
  }
  if (const auto drops = drops_text(router); !drops.empty()) out += labelled("dropped", drops);
  const auto count =
      std::count_if(report.transitions().begin(), report.transitions().end(),
                    [&](const auto& transition) { return transition.router() == router.id(); });
  if (count > 1) out += labelled("moves", std::to_string(count) + " recent changes of state, listed below");
  return out;
}

}  // namespace vipra::cli
