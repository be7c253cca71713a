// Ctrl-C and SIGTERM as a stop token, so that a command can end its call and its last line properly.
#pragma once

#include <stop_token>
#include <thread>

namespace vipra::cli {

// Make it before any other thread: it blocks both signals in the calling thread, and threads inherit that.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::thread waiter_;
};

}  // namespace vipra::cli
