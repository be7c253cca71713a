#include "definitions/error_list.hpp"

#include <cstdio>

namespace vipra::definitions {
namespace {

constexpr std::size_t kMaxQuoted = 80;
constexpr std::size_t kMaxPath = 512;

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string out{"\""};
  bool shortened = false;
  if (text.size() > kMaxQuoted) {
    auto end = kMaxQuoted;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;  // not inside a character
    text = text.substr(0, end);
    shortened = true;
  }
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
      out += c;
      continue;
    }
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += escape;
  }
  return out += shortened ? "...\"" : "\"";
}

std::string Path::to_string() const {
  if (parent_ == nullptr) return {};
  auto out = parent_->to_string();
  if (out.size() > kMaxPath) return out;
  if (index_ == kKey) {
    const auto text = in_quotes(name_);
    return out.append("[").append(text, 1, text.size() - 2).append("]");
  }
  if (index_ != kField) return out.append("[").append(std::to_string(index_)).append("]");
  if (!out.empty()) out += '.';
  const auto text = in_quotes(name_);
  return out.append(text, 1, text.size() - 2);
}

void ErrorList::add(std::string path, Reason reason, std::string message) {
  ++found_;
  if (errors_.size() < kMaxErrors) errors_.push_back({std::move(path), reason, std::move(message)});
}

}  // namespace vipra::definitions
