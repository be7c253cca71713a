// gRPC 1.51 starts threads by the number of configured processors (54 on a node with 64), whatever the cgroup
// or the affinity says, and offers no other way to have fewer: its users replace sysconf. Control serves a
// local socket to a person; two processors are plenty. For every other question the C library answers.
//
// The symbol is in the executable alone, so it holds for this process and the libraries it loads. See
// docs/adr.
#include <unistd.h>

extern "C" long __sysconf(int name);

extern "C" __attribute__((visibility("default"))) long sysconf(int name) noexcept {
  constexpr long kProcessorsShown = 2;
  if (name == _SC_NPROCESSORS_CONF || name == _SC_NPROCESSORS_ONLN) return kProcessorsShown;
  return __sysconf(name);
}
