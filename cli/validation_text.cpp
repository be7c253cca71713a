#include "cli/validation_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/text.hpp"

namespace vipra::cli {
namespace {

std::string problem_text(const definitions::Problem& problem) {
  std::string out = problem.path.empty() ? "" : printable(problem.path) + ": ";
  out += to_string(problem.reason);
  if (!problem.message.empty()) out += ": " + printable(problem.message);
  return out;
}

std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace

std::string validation_text(const source::ValidationReport& report) {
  std::string out;
  const auto is_object = [&](const std::string& origin) {
    return std::any_of(report.objects.begin(), report.objects.end(),
                       [&](const auto& object) { return object.origin == origin; });
  };
  for (const auto& problem : report.problems) {
    if (is_object(problem.origin)) continue;
    out += (problem.origin.empty() ? "definition" : printable(problem.origin)) + ": INVALID\n";
    out += "  " + problem_text(problem) + "\n";
  }
  std::size_t good = 0;
  for (const auto& object : report.objects) {
    out += printable(object.origin) + ": ";
    if (!object.name.empty()) out += "VirtualIP " + printable(object.name) + ": ";
    out += object.valid ? "OK\n" : "INVALID\n";
    good += object.valid ? 1 : 0;
    for (const auto& problem : report.problems) {
      if (problem.origin == object.origin) out += "  " + problem_text(problem) + "\n";
    }
  }
  out += counted(report.files, "file") + ", " + counted(report.objects.size(), "object") + ": " +
         std::to_string(good) + " good, " + std::to_string(report.objects.size() - good) + " bad; " +
         counted(report.problems.size(), "problem") + "\n";
  return out;
}

std::string validation_json(const source::ValidationReport& report) {
  using Json = nlohmann::ordered_json;
  Json objects = Json::array();
  for (const auto& object : report.objects) {
    objects.push_back({{"origin", object.origin}, {"name", object.name}, {"valid", object.valid}});
  }
  Json problems = Json::array();
  for (const auto& problem : report.problems) {
    problems.push_back({{"origin", problem.origin},
                        {"object", problem.object},
                        {"path", problem.path},
                        {"reason", std::string{to_string(problem.reason)}},
                        {"message", problem.message}});
  }
  const Json out{{"ok", report.ok()}, {"files", report.files}, {"objects", objects}, {"problems", problems}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vipra::cli
