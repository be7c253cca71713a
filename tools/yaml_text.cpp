#include "tools/yaml_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

namespace vipra::tools {
namespace {

using nlohmann::json;

constexpr std::size_t kWidth = 110;

// Words that some reader takes for something else than text.
constexpr std::array<std::string_view, 9> kWords{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};

bool is_plain(const std::string& text) {
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.front())) == 0) return false;
  const bool only_safe = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '/';
  });
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return only_safe && std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

bool is_foldable(const std::string& text) {
  return text.size() > 70 && text.find("  ") == text.npos && text.front() != ' ' && text.back() != ' ' &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c >= 0x7f; });
}

class Writer {
 public:
  void write(const json& value, std::size_t indent) {
    if (value.is_object() && !value.empty()) {
      for (const auto& [key, child] : value.items()) {
        begin_line(indent);
        out_ += scalar(key) + ':';
        write_child(child, indent, child.is_array() ? 0 : 2);
      }
    } else if (value.is_array() && !value.empty()) {
      for (const auto& child : value) {
        begin_line(indent);
        out_ += '-';
        write_item(child, indent);
      }
    } else {
      begin_line(indent);
      out_ += scalar(value) + '\n';
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  static bool is_block(const json& value) { return value.is_structured() && !value.empty(); }

  void begin_line(std::size_t indent) {
    if (!continues_line_) out_.append(indent, ' ');
    continues_line_ = false;
  }

  void write_child(const json& child, std::size_t indent, std::size_t step) {
    if (is_block(child)) {
      out_ += '\n';
      write(child, indent + step);
    } else {
      write_scalar(child, indent + 2);
    }
  }

  // A container begins on the line of its dash.
  void write_item(const json& child, std::size_t indent) {
    if (!is_block(child)) return write_scalar(child, indent + 2);
    out_ += ' ';
    continues_line_ = true;
    write(child, indent + 2);
  }

  void write_scalar(const json& value, std::size_t indent) {
    if (!value.is_string() || !is_foldable(value.get_ref<const std::string&>())) {
      out_ += ' ' + scalar(value) + '\n';
      return;
    }
    out_ += " >-\n";
    std::istringstream words{value.get<std::string>()};
    std::string line;
    const auto flush = [&] { out_.append(indent, ' ').append(line).append("\n"); };
    for (std::string word; words >> word;) {
      if (!line.empty() && indent + line.size() + 1 + word.size() > kWidth) {
        flush();
        line.clear();
      }
      line += (line.empty() ? "" : " ") + word;
    }
    flush();
  }

  static std::string scalar(const json& value) {
    return value.is_string() && is_plain(value.get_ref<const std::string&>()) ? value.get<std::string>()
                                                                              : value.dump();
  }

  std::string out_;
  bool continues_line_ = false;  // behind a dash
};

}  // namespace

std::string yaml_text(const json& value) {
  Writer writer;
  writer.write(value, 0);
  return writer.take();
}

}  // namespace vipra::tools
