#include "report/utf8.hpp"

#include <array>
#include <cstdint>

#include "vipra/report/v1/report.pb.h"

namespace vipra::report {
namespace {

struct LeadByte {
  std::uint8_t first, last;  // range of the lead byte
  std::uint8_t low, high;    // range of the byte after it
  std::size_t length;
};
// RFC 3629 section 4.
constexpr std::array<LeadByte, 9> kLeadBytes{{{0x00, 0x7f, 0x00, 0x00, 1},
                                              {0xc2, 0xdf, 0x80, 0xbf, 2},
                                              {0xe0, 0xe0, 0xa0, 0xbf, 3},
                                              {0xe1, 0xec, 0x80, 0xbf, 3},
                                              {0xed, 0xed, 0x80, 0x9f, 3},
                                              {0xee, 0xef, 0x80, 0xbf, 3},
                                              {0xf0, 0xf0, 0x90, 0xbf, 4},
                                              {0xf1, 0xf3, 0x80, 0xbf, 4},
                                              {0xf4, 0xf4, 0x80, 0x8f, 4}}};

using Visit = std::function<void(const std::string&)>;

void visit_strings(const v1::DefinitionProblem& problem, const Visit& visit) {
  visit(problem.origin());
  visit(problem.path());
  visit(problem.message());
}

void visit_strings(const v1::RouterReport& router, const Visit& visit) {
  for (const auto* text :
       {&router.id(), &router.family(), &router.detail(), &router.interface(), &router.master_address(),
        &router.warning_detail(), &router.lead(), &router.lead_virtual_ip(), &router.group()}) {
    visit(*text);
  }
  for (const auto& name : router.virtual_ips()) visit(name);
  for (const auto& part : router.contributions()) {
    visit(part.source());
    visit(part.detail());
  }
  for (const auto& track : router.tracks()) {
    for (const auto* text : {&track.name(), &track.kind(), &track.detail()}) visit(*text);
  }
  for (const auto& address : router.addresses()) {
    visit(address.address());
    visit(address.virtual_ip());
    visit(address.error());
  }
}

void visit_strings(const v1::VirtualIPReport& vip, const Visit& visit) {
  visit(vip.name());
  for (const auto& address : vip.addresses()) visit(address);
  for (const auto& router : vip.routers()) visit(router);
  for (const auto& condition : vip.conditions()) {
    visit(condition.type());
    visit(condition.status());
    visit(condition.message());
  }
  for (const auto& check : vip.checks()) {
    for (const auto* text : {&check.virtual_ip(), &check.name(), &check.kind(), &check.detail()})
      visit(*text);
  }
  for (const auto& problem : vip.problems()) visit_strings(problem, visit);
}

void visit_strings(const v1::SegmentReport& segment, const Visit& visit) {
  visit(segment.interface());
  visit(segment.family());
  for (const auto& router : segment.foreign_routers()) {
    visit(router.source());
    for (const auto& address : router.addresses()) visit(address);
  }
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (const LeadByte& lead : kLeadBytes) {
    if (byte(0) < lead.first || byte(0) > lead.last) continue;
    if (text.size() < lead.length) return 0;
    if (lead.length > 1 && (byte(1) < lead.low || byte(1) > lead.high)) return 0;
    for (std::size_t i = 2; i < lead.length; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    }
    return lead.length;
  }
  return 0;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string repaired_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_sequence_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else {
      out += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return out;
}

void for_each_string(const v1::NodeReport& report, const Visit& visit) {
  visit(report.node());
  visit(report.build());
  visit(report.source_detail());
  for (const auto& vip : report.virtual_ips()) visit_strings(vip, visit);
  for (const auto& router : report.routers()) visit_strings(router, visit);
  for (const auto& problem : report.problems()) visit_strings(problem, visit);
  for (const auto& segment : report.segments()) visit_strings(segment, visit);
  for (const auto& transition : report.transitions()) {
    visit(transition.router());
    visit(transition.detail());
  }
}

bool all_strings_utf8(const v1::NodeReport& report) {
  bool good = true;
  for_each_string(report, [&](const std::string& text) { good = good && is_utf8(text); });
  return good;
}

void repair_strings(v1::NodeReport& report) {
  for_each_string(report, [](const std::string& text) {
    // The message is ours to change, and a string that is not empty is its own (only the empty default is
    // shared).
    if (!is_utf8(text)) const_cast<std::string&>(text) = repaired_utf8(text);
  });
}

}  // namespace vipra::report
