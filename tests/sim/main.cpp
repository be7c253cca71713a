// vipra-sim: virtual routers in a simulated segment, seed after seed.
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/run.hpp"

namespace vipra::sim {
namespace {

constexpr std::size_t kLinesOfHistory = 60;

constexpr char kUsage[] = R"(usage: vipra-sim [--seeds N] [--from K] [--mode safety|liveness] [--seed X]
                 [--mutant NAME] [--caught] [--covered] [--table]

  --seeds N      how many seeds (1000)
  --from K       the first one (0)
  --seed X       this one alone, with its plan and its history
  --mode MODE    safety: all faults end; liveness: some stay. Without it, both in turn
  --mutant NAME  a machine with a known mistake instead of the real one (tests/sim/mutants)
  --caught       succeed if, and only if, an invariant is broken
  --covered      fail too if a fault, a transition or a guard was never exercised
  --table        how often each was
)";

struct Options {
  std::uint64_t seeds = 1000;
  std::uint64_t from = 0;
  std::optional<std::uint64_t> seed;
  std::optional<Mode> mode;
  bool caught = false;
  bool covered = false;
  bool table = false;
};

Mode mode_of(const Options& options, std::uint64_t seed) {
  return options.mode.value_or(seed % 2 == 0 ? Mode::kSafety : Mode::kLiveness);
}

void report(const Scenario& scenario, const Violation& violation) {
  std::printf("FAILED %s: %s\n\nThe plan of the seed:\n%s", violation.invariant.c_str(),
              violation.what.c_str(), describe(scenario).c_str());
  const auto shortest = shrink(scenario, violation);
  std::printf("\nThe shortest that still breaks it:\n%s\nIts history, in milliseconds:\n%s",
              describe(shortest).c_str(), tell(shortest, kLinesOfHistory).c_str());
  std::printf("\nAgain: vipra-sim --seed %llu --mode %s\n", static_cast<unsigned long long>(scenario.seed),
              std::string{to_string(scenario.mode)}.c_str());
}

int run_one(const Options& options) {
  const auto scenario = draw_scenario(*options.seed, mode_of(options, *options.seed));
  Coverage coverage;
  const auto outcome = run_scenario(scenario, coverage);
  std::printf("seed %llu hash %016llx\n", static_cast<unsigned long long>(*options.seed),
              static_cast<unsigned long long>(outcome.hash));
  if (outcome.violation) {
    report(scenario, *outcome.violation);
  } else {
    std::printf("%s\n%s", describe(scenario).c_str(), tell(scenario, 100'000).c_str());
  }
  if (options.table) std::printf("%s", coverage.table().c_str());
  return outcome.violation ? 1 : 0;
}

int run_many(const Options& options) {
  Coverage coverage;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  const auto began = std::clock();
  for (auto seed = options.from; seed < options.from + options.seeds; ++seed) {
    const auto scenario = draw_scenario(seed, mode_of(options, seed));
    const auto outcome = run_scenario(scenario, coverage);
    hash = hash * 0x100000001b3U ^ outcome.hash;
    events += outcome.events;
    if (!outcome.violation) continue;
    if (options.caught) {
      std::printf("caught after %llu seeds: %s: %s\n",
                  static_cast<unsigned long long>(seed - options.from + 1),
                  outcome.violation->invariant.c_str(), outcome.violation->what.c_str());
      return 0;
    }
    report(scenario, *outcome.violation);
    return 1;
  }
  const auto seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  std::printf("%llu seeds, %llu events, %.1f s, %.0f seeds/s, hash %016llx\n%s\n",
              static_cast<unsigned long long>(options.seeds), static_cast<unsigned long long>(events),
              seconds, static_cast<double>(options.seeds) / seconds, static_cast<unsigned long long>(hash),
              coverage.summary().c_str());
  if (options.table) std::printf("%s", coverage.table().c_str());
  if (options.caught) {
    std::printf("NOT CAUGHT: no invariant is broken\n");
    return 1;
  }
  const auto missing = coverage.missing();
  for (const auto& what : missing) std::printf("%s\n", what.c_str());
  return options.covered && !missing.empty() ? 1 : 0;
}

// The mutants are programs of their own: this very one, linked with a changed copy of one source.
int run_mutant(const std::string& name, char** arguments) {
  const std::string folder = VIPRA_SIM_MUTANTS;
  if (name.find('/') == std::string::npos) {
    ::execv((folder + "/sim_mutant_" + name).c_str(), arguments);
  }
  std::fprintf(stderr, "vipra-sim: no mutant %s in %s: is it built?\n", name.c_str(), folder.c_str());
  return 2;
}

int run(int argc, char** argv) {
  Options options;
  std::optional<std::string> mutant;
  std::vector<char*> others{argv[0]};
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) {
        std::fprintf(stderr, "vipra-sim: %s wants a value\n", argv[i]);
        std::exit(2);
      }
      return argv[++i];
    };
    const int first = i;
    if (flag == "--seeds") {
      options.seeds = std::strtoull(value().c_str(), nullptr, 10);
    } else if (flag == "--from") {
      options.from = std::strtoull(value().c_str(), nullptr, 10);
    } else if (flag == "--seed") {
      options.seed = std::strtoull(value().c_str(), nullptr, 10);
    } else if (flag == "--mode") {
      const auto mode = value();
      if (mode != "safety" && mode != "liveness") {
        std::fprintf(stderr, "vipra-sim: no mode %s\n", mode.c_str());
        return 2;
      }
      options.mode = mode == "safety" ? Mode::kSafety : Mode::kLiveness;
    } else if (flag == "--mutant") {
      mutant = value();
      continue;
    } else if (flag == "--caught") {
      options.caught = true;
    } else if (flag == "--covered") {
      options.covered = true;
    } else if (flag == "--table") {
      options.table = true;
    } else {
      std::fputs(kUsage, flag == "--help" ? stdout : stderr);
      return flag == "--help" ? 0 : 2;
    }
    for (int j = first; j <= i; ++j) others.push_back(argv[j]);
  }
  others.push_back(nullptr);
  if (mutant) return run_mutant(*mutant, others.data());
  return options.seed ? run_one(options) : run_many(options);
}

}  // namespace
}  // namespace vipra::sim

int main(int argc, char** argv) {
  return vipra::sim::run(argc, argv);
}
