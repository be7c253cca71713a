// inotify as a value: watches by path, events as structs. Not thread-safe. Where the kernel gives no instance
// (the per-user limit), it is simply never readable, and its owner falls back to looking by time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sys/unique_fd.hpp"

namespace vipra::source {

class Inotify {
 public:
  struct Event {
    int watch = -1;          // -1: events were lost
    std::uint32_t mask = 0;  // IN_*
    std::string name;        // in a watched folder
  };

  Inotify();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }  // -1: there is none
  // The watch of what `path` leads to (links are followed), the same one if it is watched already; -1 if it
  // cannot be watched.
  [[nodiscard]] int watch(const std::filesystem::path& path, std::uint32_t mask) const;
  void unwatch(int watch) const;
  // Everything that waits, without blocking.
  [[nodiscard]] std::vector<Event> drain() const;

 private:
  sys::UniqueFd fd_;
};

}  // namespace vipra::source
