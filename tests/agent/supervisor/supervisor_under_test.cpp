// The supervisor as it ships, but for the speaker that it starts: that of $VIPRA_TEST_SPEAKER.
#include <cstdio>
#include <cstdlib>

#include "agent/supervisor/main.hpp"
#include "channel/framing.hpp"

int main(int argc, char** argv) {
  vipra::channel::silence_protobuf_log();
  const auto line = vipra::supervisor::parse_command_line(argc, argv);
  const char* const speaker = std::getenv("VIPRA_TEST_SPEAKER");
  if (!line || speaker == nullptr) {
    std::fputs("a wrong command line, or no speaker\n", stderr);
    return 2;
  }
  auto command = vipra::supervisor::own_speaker(line->options);
  command.path = speaker;
  return vipra::supervisor::supervise(line->options, std::move(command));
}
