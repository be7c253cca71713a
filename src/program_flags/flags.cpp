#include "program_flags/flags.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <map>

namespace vipra::flags {
namespace {

const std::map<std::string, log::Level> kLevels{{"debug", log::Level::kDebug},
                                                {"info", log::Level::kInfo},
                                                {"warning", log::Level::kWarning},
                                                {"error", log::Level::kError}};

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

void add_log_level(CLI::App& app, log::Level& level) {
  app.add_option_function<std::string>(
         "--log-level", [&level](const std::string& name) { level = kLevels.at(name); },
         "debug, info, warning or error (default info); JSON lines on stdout")
      ->type_name("LEVEL")
      ->check(CLI::IsMember(kLevels).description(""));
}

Result<Parsed> parse(CLI::App& app, const std::string& version, int argc, const char* const* argv) {
  const auto program_and_version = app.get_name() + " " + version;
  app.set_version_flag("--version", program_and_version, "Print the version");
  app.set_help_flag("-h,--help", "Print this text");
  app.get_formatter()->column_width(28);
  app.get_formatter()->label("OPTIONS", "options");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Parsed{Parsed::Request::kPrintAndExit, app.help()};
  } catch (const CLI::CallForVersion&) {
    return Parsed{Parsed::Request::kPrintAndExit, program_and_version + "\n"};
  } catch (const CLI::ParseError& error) {
    return fail(Errc::kInvalid, error.what());
  }
  return Parsed{};
}

}  // namespace vipra::flags
