#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include "bench/scenarios.hpp"
#include "lab/lab.hpp"

int main(int argc, char** argv) {
  using namespace vipra::bench;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  CLI::App app{"Whole-system figures: real agents in a lab of network namespaces, one probe a millisecond"};
  std::size_t runs = 20;
  std::size_t window = 10;
  std::size_t routers = 0;
  std::size_t steal_seconds = 300;
  int interval = 0;
  bool keepalived_realtime = false;
  std::string only;
  std::filesystem::path agent = std::filesystem::path{"/proc/self/exe"};
  agent = std::filesystem::read_symlink(agent).parent_path() / "vipra-agent";
  app.add_option("--runs", runs, "Runs of each kind that count")->capture_default_str();
  app.add_option(
      "--only", only,
      "One of: crash stop preempt speaker definition memory load partition segments thousand steal");
  app.add_option("--agent", agent, "vipra-agent to measure")->capture_default_str();
  app.add_option("--window", window, "load: seconds over which processor time is taken")
      ->capture_default_str();
  app.add_option("--routers", routers, "load: with so many routers only (1, 10, 100, 250)");
  app.add_option("--interval", interval, "load: at this interval only (1000, 100 milliseconds)");
  app.add_flag("--keepalived-realtime", keepalived_realtime,
               "load: keepalived with real-time scheduling and locked memory, as Vipra has by default");
  app.add_option("--seconds", steal_seconds, "steal: for how long the processors are taken")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (!vipra::lab::may_build_labs()) {
    std::fputs("vipra-bench builds network namespaces: run it as root\n", stderr);
    return 2;
  }
  bool kept = true;
  const auto wanted = [&](const char* name) { return only.empty() || only == name; };
  const std::pair<const char*, std::function<Series(const std::filesystem::path&, std::size_t)>> kinds[] = {
      {"crash", crash},
      {"stop", planned_stop},
      {"preempt", preemption},
      {"speaker", speaker_killed},
      {"definition", definition_to_answer}};
  std::puts(table_head().c_str());
  for (const auto& [name, run] : kinds) {
    if (!wanted(name)) continue;
    const auto series = run(agent, runs);
    kept = kept && series.kept();
    std::puts(series.row().c_str());
    std::fflush(stdout);
  }
  if (wanted("partition")) kept = partition(agent, runs) && kept;
  if (wanted("segments")) kept = segments(agent) && kept;
  if (wanted("thousand")) kept = thousand(agent) && kept;
  if (wanted("memory")) kept = footprint(agent) && kept;
  if (wanted("load"))
    kept = load(agent, seconds{window}, routers, milliseconds{interval}, keepalived_realtime) && kept;
  if (wanted("steal")) kept = steal(agent, seconds{steal_seconds}) && kept;
  return kept ? 0 : 1;
}
