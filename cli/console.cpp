#include "cli/console.hpp"

#include <chrono>
#include <cstdio>

#include "cli/text.hpp"

namespace vipra::cli {

std::int64_t unix_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

void complain(std::string_view text) {
  const std::string line = "vipctl: " + std::string{text} + "\n";
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

std::string unreachable_text(const Error& error) {
  std::string out = "cannot ask the agent: " + printable(error.what) + "\n";
  switch (error.code) {
    case Errc::kPermission:
      out +=
          "Its socket is for root and for members of the group with id 65532: use sudo, or join that group.";
      break;
    case Errc::kNotFound:
      out +=
          "Is vipra-agent running on this node (`systemctl status vipra-agent`)? With another --run-dir the "
          "socket is RUN-DIR/vipctl.sock: give it with --socket.";
      break;
    case Errc::kConflict:
      out +=
          "vipra-control is not running: is vipra-agent (`systemctl status vipra-agent`), and not with "
          "--no-control? Is this the right --socket?";
      break;
    case Errc::kInvalid:
      out += "Give the path of the agent's socket with --socket.";
      break;
    case Errc::kTimeout:
    case Errc::kIo:
    case Errc::kUnsupported:
      out += "Try again; if it stays so, see the log of vipra-control (`journalctl -u vipra-agent`).";
      break;
  }
  return out;
}

}  // namespace vipra::cli
