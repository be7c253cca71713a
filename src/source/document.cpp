#include "source/document.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace vipra::source {
namespace {

using nlohmann::json;

// Length of the UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629: no surrogates, no
// overlong).
std::size_t utf8_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const auto second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

bool is_control(char c) noexcept {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// nlohmann's SAX interface; its parser does not recurse.
class JsonEvents final : public json::json_sax_t {
 public:
  explicit JsonEvents(DocumentBuilder& builder) : builder_{builder} {}

  bool null() override { return builder_.value(nullptr); }
  bool boolean(bool value) override { return builder_.value(value); }
  bool number_integer(json::number_integer_t value) override { return builder_.value(value); }
  bool number_unsigned(json::number_unsigned_t value) override { return builder_.value(value); }
  bool number_float(json::number_float_t value, const std::string&) override { return builder_.value(value); }
  bool string(std::string& value) override { return builder_.value(std::move(value)); }
  bool binary(json::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return builder_.start_container(true); }
  bool key(std::string& name) override { return builder_.key(std::move(name)); }
  bool end_object() override { return builder_.end_container(); }
  bool start_array(std::size_t) override { return builder_.start_container(false); }
  bool end_array() override { return builder_.end_container(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    const std::string_view what = error.what();  // "[json.exception.parse_error.101] parse error at line ..."
    const auto from = what.find("] ");
    return builder_.fail(Reason::kParseError, std::string{from == what.npos ? what : what.substr(from + 2)});
  }

 private:
  DocumentBuilder& builder_;
};

}  // namespace

std::string printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const auto length = is_control(bytes[0]) || bytes[0] == '\n' || bytes[0] == '\r' ? 0 : utf8_length(bytes);
    if (length > 0) {
      out += bytes.substr(0, length);
    } else {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(bytes[0])));
      out += escape;
    }
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::optional<DocumentError> check_text(std::string_view text, const DocumentLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return DocumentError{1, Reason::kTooLarge,
                         "is larger than " + std::to_string(limits.max_bytes) + " bytes"};
  }
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_length(text.substr(at));
    if (length == 0) {
      return DocumentError{1, Reason::kParseError, "is not UTF-8, line " + std::to_string(line_of(text, at))};
    }
    if (is_control(text[at])) {
      return DocumentError{1, Reason::kParseError,
                           "has a control character, line " + std::to_string(line_of(text, at))};
    }
    at += length;
  }
  return std::nullopt;
}

Documents parse_json(std::string_view text, const DocumentLimits& limits) {
  Documents out;
  out.error = check_text(text, limits);
  if (out.error) return out;
  DocumentBuilder builder{limits};
  builder.start_document();
  JsonEvents events{builder};
  try {
    if (json::sax_parse(text, &events)) {
      out.all.push_back(builder.take());
    } else {
      out.error = builder.error().value_or(DocumentError{1, Reason::kParseError, "cannot be parsed"});
    }
  } catch (const std::exception& error) {
    out.error = DocumentError{1, Reason::kParseError, error.what()};
  }
  return out;
}

void DocumentBuilder::start_document() {
  open_.clear();
  root_ = nullptr;
  completed_ = nullptr;
}

bool DocumentBuilder::fail(Reason reason, std::string message) {
  if (!error_) error_ = DocumentError{1, reason, std::move(message)};
  return false;
}

bool DocumentBuilder::wants_key() const noexcept {
  return !open_.empty() && open_.back().value.is_object() && !open_.back().key;
}

bool DocumentBuilder::start_container(bool is_object) {
  if (error_) return false;
  if (wants_key()) return fail(Reason::kParseError, "a key must be a scalar");
  if (open_.size() == limits_.max_depth) return fail(Reason::kTooLarge, "is nested too deeply");
  open_.push_back({is_object ? json::object() : json::array(), std::nullopt, {}});
  return true;
}

bool DocumentBuilder::key(std::string name) {
  if (error_) return false;
  auto& object = open_.back();
  if (object.value.contains(name)) {
    return fail(Reason::kDuplicate, "the field " + printable(name.substr(0, 64)) + " is given twice");
  }
  object.key = std::move(name);
  return true;
}

bool DocumentBuilder::count(const json& value) {
  std::vector<std::pair<const json*, std::size_t>> open{{&value, open_.size() + 1}};
  while (!open.empty()) {
    const auto [at, depth] = open.back();
    open.pop_back();
    if (++values_ > limits_.max_values) return fail(Reason::kTooLarge, "has too many values");
    if (depth > limits_.max_depth + 1) return fail(Reason::kTooLarge, "is nested too deeply");
    if (at->is_string()) values_ += at->get_ref<const std::string&>().size() / 64;
    if (!at->is_structured()) continue;
    for (const auto& child : *at) open.emplace_back(&child, depth + 1);
  }
  return true;
}

bool DocumentBuilder::value(json value) {
  return !error_ && count(value) && attach(std::move(value));
}

bool DocumentBuilder::attach(json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    completed_ = &root_;
    return true;
  }
  auto& parent = open_.back();
  if (parent.value.is_array()) {
    parent.value.push_back(std::move(value));
    completed_ = &parent.value.back();
    return true;
  }
  if (!parent.key) return fail(Reason::kParseError, "a key must be a scalar");
  if (*parent.key == "<<") {
    parent.merged.push_back(std::move(value));
    completed_ = &parent.merged.back();
  } else {
    completed_ = &(parent.value[*parent.key] = std::move(value));
  }
  parent.key.reset();
  return true;
}

bool DocumentBuilder::apply_merges(Open& object) {
  const auto add = [&](const json& from) {
    if (!from.is_object()) return fail(Reason::kParseError, "what << merges must be a mapping");
    for (const auto& [name, value] : from.items()) {
      if (object.value.contains(name)) continue;
      if (!count(value)) return false;
      object.value[name] = value;
    }
    return true;
  };
  for (const auto& merged : object.merged) {
    if (!merged.is_array()) {
      if (!add(merged)) return false;
      continue;
    }
    for (const auto& item : merged) {
      if (!add(item)) return false;
    }
  }
  return true;
}

bool DocumentBuilder::end_container() {
  if (error_) return false;
  auto closed = std::move(open_.back());
  open_.pop_back();
  if (++values_ > limits_.max_values) return fail(Reason::kTooLarge, "has too many values");
  return apply_merges(closed) && attach(std::move(closed.value));
}

}  // namespace vipra::source
