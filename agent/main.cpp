// vipra-agent: without a word the supervisor, with "speaker" the child that the supervisor starts.
#include <string_view>

#include "agent/speaker/main.hpp"
#include "agent/supervisor/main.hpp"
#include "channel/framing.hpp"

int main(int argc, char** argv) {
  vipra::channel::silence_protobuf_log();
  if (argc > 1 && std::string_view{argv[1]} == "speaker") {
    return vipra::agent::run_speaker(argc, argv);
  }
  return vipra::supervisor::run_supervisor(argc, argv);
}
