#include "source/inotify.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace vipra::source {

Inotify::Inotify() : fd_{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)} {}

int Inotify::watch(const std::filesystem::path& path, std::uint32_t mask) const {
  return !fd_ ? -1 : ::inotify_add_watch(fd_.get(), path.c_str(), mask);
}

void Inotify::unwatch(int watch) const {
  if (fd_ && watch >= 0) ::inotify_rm_watch(fd_.get(), watch);
}

std::vector<Inotify::Event> Inotify::drain() const {
  std::vector<Event> out;
  alignas(inotify_event) std::array<char, 16384> buffer;
  while (fd_) {
    const auto length = ::read(fd_.get(), buffer.data(), buffer.size());
    if (length <= 0) break;
    for (std::ptrdiff_t at = 0; at < length;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      const bool lost = (event.mask & IN_Q_OVERFLOW) != 0;
      out.push_back({lost ? -1 : event.wd, event.mask, event.len > 0 ? std::string{name} : std::string{}});
      at += static_cast<std::ptrdiff_t>(sizeof event + event.len);
    }
  }
  return out;
}

}  // namespace vipra::source
