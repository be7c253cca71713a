#include "tests/sim/history.hpp"

#include <cstdio>

namespace vipra::sim {

std::string History::text(std::size_t most) const {
  std::string out;
  std::size_t first = 0;
  if (lines_.size() > most) {
    first = lines_.size() - most;
    out += "  ... " + std::to_string(first) + " lines before\n";
  }
  for (std::size_t i = first; i < lines_.size(); ++i) {
    const auto& line = lines_[i];
    char at[32];
    std::snprintf(at, sizeof at, "%12s  ", in_milliseconds(line.at).c_str());
    out += at + line.text;
    if (line.times > 1) out += "   x" + std::to_string(line.times) + ", until " + in_milliseconds(line.until);
    out += '\n';
  }
  return out;
}

}  // namespace vipra::sim
