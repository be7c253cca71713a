// What the agent arranges for itself and its folders before it works: each item may be denied where
// privileges are few, and then costs a log line, not the start.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "agent/supervisor/options.hpp"
#include "base/result.hpp"

namespace vipra::supervisor {

// The folder of the sockets: owner root, group of control, mode 01770. Control makes vipctl.sock there, and
// cannot replace agent.sock (sticky). Refuses a folder that is everybody's, such as /tmp.
[[nodiscard]] Status prepare_run_dir(const Options& options);
// The folder where control keeps the last good definitions: its own, mode 0750.
[[nodiscard]] Status prepare_state_dir(const Options& options);

// Keeps what is touched in memory. Only where the limit is no limit (or CAP_IPC_LOCK is held), so that
// locking can never fail an allocation; and on fault, so that memory that was only reserved stays unused.
[[nodiscard]] Status lock_memory();
// -900: among the last that the kernel takes when memory is short. Children inherit it. Lowering needs
// CAP_SYS_RESOURCE; a service manager may have done it.
[[nodiscard]] Status lower_oom_score();
// The soft limit of open files up to the hard one: the handle table may hold thousands.
[[nodiscard]] Status raise_file_limit();

// For pauses that must not fall together, in [0, 1).
[[nodiscard]] double unit_random() noexcept;
[[nodiscard]] std::string beside_this_program(const std::string& name);
// RLIMIT_DATA of control; none in builds whose sanitizer reserves terabytes.
[[nodiscard]] std::optional<std::uint64_t> control_data_limit() noexcept;

}  // namespace vipra::supervisor
