// Text -> JSON documents, with every limit that hostile or broken text needs: size, depth, number of values,
// UTF-8, duplicate keys. JSON here, YAML in yaml.hpp; both build through DocumentBuilder.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reason.hpp"

namespace vipra::source {

struct DocumentLimits {
  std::size_t max_bytes = 4u << 20;
  std::size_t max_depth = 48;        // definitions use 9; a List around them two more
  std::size_t max_values = 400'000;  // in one text, with every alias counted as what it stands for
};

struct DocumentError {
  std::size_t document = 1;  // counted from 1; those before it are whole
  Reason reason = Reason::kParseError;
  std::string message;
};

struct Documents {
  std::vector<nlohmann::json> all;     // null for an empty document
  std::optional<DocumentError> error;  // reading ended there
};

// One JSON text. Never throws.
[[nodiscard]] Documents parse_json(std::string_view text, const DocumentLimits& limits = {});

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// What is wrong with a text before any parser sees it: its size, its encoding, its control characters.
[[nodiscard]] std::optional<DocumentError> check_text(std::string_view text, const DocumentLimits& limits);

// Valid UTF-8 for whatever a file name or a message holds: bytes that are not are written as \xNN.
[[nodiscard]] std::string printable(std::string_view bytes);

// Builds one JSON value from events. Every call is false once something was wrong: the parser then stops.
class DocumentBuilder {
 public:
  explicit DocumentBuilder(const DocumentLimits& limits) : limits_{limits} {}

  void start_document();
  [[nodiscard]] bool start_container(bool is_object);
  [[nodiscard]] bool key(std::string name);
  [[nodiscard]] bool value(nlohmann::json value);
  [[nodiscard]] bool end_container();
  [[nodiscard]] bool fail(Reason reason, std::string message);

  // Whether the next scalar is a key of an object.
  [[nodiscard]] bool wants_key() const noexcept;
  [[nodiscard]] nlohmann::json take() { return std::move(root_); }
  [[nodiscard]] const std::optional<DocumentError>& error() const noexcept { return error_; }

  // The container, or scalar, that was completed last, until the next event: for anchors, which keep a copy
  // of it.
  [[nodiscard]] const nlohmann::json& completed() const noexcept { return *completed_; }
  [[nodiscard]] bool count_copy() { return count(*completed_); }

 private:
  struct Open {
    nlohmann::json value;
    std::optional<std::string> key;
    std::vector<nlohmann::json> merged;  // values of "<<"
  };
  bool count(const nlohmann::json& value);
  bool attach(nlohmann::json value);
  bool apply_merges(Open& object);

  const DocumentLimits& limits_;
  std::vector<Open> open_;
  nlohmann::json root_;
  const nlohmann::json* completed_ = nullptr;
  std::size_t values_ = 0;
  std::optional<DocumentError> error_;
};

}  // namespace vipra::source
