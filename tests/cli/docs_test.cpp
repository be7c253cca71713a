// docs/vipctl.md quotes --help, docs/reasons.md the guide: both as they are now. VIPRA_UPDATE_GOLDEN=1
// rewrites them.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "cli/guide.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/golden.hpp"

namespace vipra::cli {
namespace {

// A block is a line "<!-- help: ARGUMENTS -->", then a fenced text.
std::string with_current_help(const std::string& document, int& blocks) {
  constexpr std::string_view kMark = "<!-- help:";
  std::istringstream input{document};
  std::string out;
  for (std::string line; std::getline(input, line);) {
    out += line + "\n";
    if (line.rfind(kMark, 0) != 0) continue;
    ++blocks;
    std::istringstream words{line.substr(kMark.size())};
    std::vector<std::string> arguments;
    for (std::string word; words >> word && word != "-->";) arguments.push_back(word);
    arguments.emplace_back("--help");
    out += "```text\n" + ChildProcess{VIPRA_VIPCTL, arguments}.finish().out + "```\n";
    std::getline(input, line);  // the old block
    while (std::getline(input, line) && line != "```") {
    }
  }
  return out;
}

void expect_document(const std::string& path, const std::string& wanted) {
  if (updating_golden()) {
    std::ofstream{path, std::ios::binary} << wanted;
    return;
  }
  EXPECT_EQ(file_content(path), wanted) << path << " is not up to date";
}

TEST(Docs, VipctlQuotesTheHelpOfEveryCommand) {
  const std::string path = std::string{VIPRA_SOURCE_DIR} + "/docs/vipctl.md";
  int blocks = 0;
  const auto wanted = with_current_help(file_content(path), blocks);
  EXPECT_EQ(blocks, 8);
  expect_document(path, wanted);
}

std::string escaped_cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string{"\\|"} : std::string(1, c);
  return out;
}

template <class Values>
std::string guide_table(const Values& values) {
  std::string out = "| name | meaning | what to do |\n|---|---|---|\n";
  for (const auto value : values) {
    const auto entry = guide(value);
    out += "| `" + std::string{to_string(value)} + "` | " + escaped_cell(entry.meaning) + " | " +
           escaped_cell(entry.action) + " |\n";
  }
  return out;
}

// What stands between "<!-- table: NAME -->" and "<!-- end -->".
std::string with_current_tables(const std::string& document, int& found) {
  const std::map<std::string, std::string> tables{
      {"<!-- table: State -->", guide_table(kAllStateValues)},
      {"<!-- table: Reason -->", guide_table(kAllReasonValues)},
      {"<!-- table: DropReason -->", guide_table(kAllDropReasonValues)}};
  std::istringstream input{document};
  std::string out;
  for (std::string line; std::getline(input, line);) {
    out += line + "\n";
    const auto table = tables.find(line);
    if (table == tables.end()) continue;
    ++found;
    out += table->second;
    while (std::getline(input, line) && line != "<!-- end -->") {
    }
    out += "<!-- end -->\n";
  }
  return out;
}

TEST(Docs, EveryStateReasonAndDropReasonIsExplained) {
  const std::string path = std::string{VIPRA_SOURCE_DIR} + "/docs/reasons.md";
  int found = 0;
  const auto wanted = with_current_tables(file_content(path), found);
  EXPECT_EQ(found, 3);
  expect_document(path, wanted);
}

TEST(Docs, EveryMeaningIsAPhraseAndEveryBrokenThingHasAnAction) {
  const auto check = [](std::string_view name, const Guide& entry) {
    EXPECT_GE(entry.meaning.size(), 10u) << name;
    EXPECT_NE(entry.meaning.back(), '.') << name;
    EXPECT_EQ(entry.meaning.find('\n'), std::string_view::npos) << name;
  };
  for (const auto value : kAllStateValues) check(to_string(value), guide(value));
  for (const auto value : kAllDropReasonValues) check(to_string(value), guide(value));
  for (const auto value : kAllReasonValues) {
    check(to_string(value), guide(value));
    const int number = static_cast<int>(value);
    const bool fault = number >= static_cast<int>(Reason::kInterfaceMissing) &&
                       number <= static_cast<int>(Reason::kUnsupported);
    if (fault) {
      EXPECT_FALSE(guide(value).action.empty()) << to_string(value);
    }
  }
}

}  // namespace
}  // namespace vipra::cli
