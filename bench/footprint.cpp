#include <cstdio>
#include <fstream>
#include <sstream>

#include "bench/scenarios.hpp"
#include "lab/lab.hpp"

namespace vipra::bench {
namespace {

using namespace vipra::lab;

struct Memory {
  long resident_kib = -1;
  long locked_kib = -1;
};

Memory memory_of(pid_t pid) {
  Memory out;
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(status, line);) {
    std::istringstream words{line};
    std::string key;
    long value = 0;
    words >> key >> value;
    if (key == "VmRSS:") out.resident_kib = value;
    if (key == "VmLck:") out.locked_kib = value;
  }
  return out;
}

}  // namespace

bool footprint(const std::filesystem::path& agent) {
  auto made = Lab::make({.nodes = 1});
  if (!made) {
    std::printf("no lab: %s\n", made.error().what.c_str());
    return false;
  }
  auto& lab = **made;
  if (!lab.write_definition("web.yaml", VipDefinition{}.yaml()) || !lab.start_agents({.binary = agent}) ||
      !lab.wait_for_owner(*IpAddress::parse("10.99.0.100"), std::chrono::seconds{15})) {
    std::printf("the VIP did not come up\n");
    return false;
  }
  bool kept = true;
  std::printf("\n%-34s %11s %11s %11s  %s\n", "resident memory, one VIP", "RSS KiB", "locked", "bound KiB",
              "kept");
  const struct {
    Role role;
    long bound_kib;
  } kBounds[] = {{Role::kSupervisor, 6 * 1024}, {Role::kSpeaker, 6 * 1024}, {Role::kControl, 40 * 1024}};
  for (const auto& [role, bound] : kBounds) {
    const auto pid = lab.node(0).process(role);
    const auto memory = pid ? memory_of(*pid) : Memory{};
    const bool good = memory.resident_kib > 0 && memory.resident_kib <= bound;
    kept = kept && good;
    std::printf("%-34s %11ld %11s %11ld  %s\n", std::string{to_string(role)}.c_str(), memory.resident_kib,
                memory.locked_kib > 0 ? "yes" : "no", bound, good ? "yes" : "NO");
  }
  return kept;
}

}  // namespace vipra::bench
