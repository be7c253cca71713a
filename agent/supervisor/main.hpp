// The supervisor process, from its command line to its end.
#pragma once

#include "agent/supervisor/options.hpp"
#include "agent/supervisor/speaker_keeper.hpp"

namespace vipra::supervisor {

// Returns the exit status. 2: the command line is wrong.
[[nodiscard]] int run_supervisor(int argc, char** argv);

// This program again, as the speaker: through /proc/self/exe, so that the version stays the same while a
// package is being upgraded.
[[nodiscard]] SpeakerKeeper::Command own_speaker(const Options& options);

// With another speaker than our own, where a test wants one that misbehaves.
[[nodiscard]] int supervise(const Options& options, SpeakerKeeper::Command speaker);

}  // namespace vipra::supervisor
