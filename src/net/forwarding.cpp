#include "net/forwarding.hpp"

#include <net/if.h>

#include <array>
#include <fstream>
#include <string>

namespace vipra::net {

bool forwards(Family family, int interface_index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(static_cast<unsigned>(interface_index), name.data()) == nullptr) return false;
  const std::string folder = family == Family::kIpv4 ? "ipv4" : "ipv6";
  std::ifstream file{"/proc/sys/net/" + folder + "/conf/" + std::string{name.data()} + "/forwarding"};
  char value = '0';
  return file.get(value) && value == '1';
}

}  // namespace vipra::net
