#pragma once

namespace vipra::agent {

// The child mode of vipra-agent: `speaker --link-fd N --node NAME --realtime auto|off --lock-memory auto|off
// --announce-burst N --announce-rate N --log-level LEVEL`. For the supervisor alone; argv[0] is the program,
// argv[1] "speaker".
int run_speaker(int argc, char** argv);

}  // namespace vipra::agent
