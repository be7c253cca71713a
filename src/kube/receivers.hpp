// From the transport's thread to the loop's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kube/transport.hpp"
#include "kube_core/watch_line.hpp"

namespace vipra::kube {

// The way to a loop that may be gone.
class Mailbox {
 public:
  explicit Mailbox(boost::asio::io_context& loop) : loop_{&loop} {}

  template <class Task>
  void post(Task task) {
    const std::lock_guard lock{mutex_};
    if (loop_ != nullptr) boost::asio::post(*loop_, std::move(task));
  }
  // After that nothing is posted any more.
  void close() {
    const std::lock_guard lock{mutex_};
    loop_ = nullptr;
  }

 private:
  std::mutex mutex_;
  boost::asio::io_context* loop_;
};

// What became of one try.
struct Outcome {
  TransportEnd end;
  int status = 0;
  std::optional<Duration> retry_after;
  std::string body;
  bool too_large = false;
};

// Keeps a whole answer. `on_end` is called on the transport's thread; so is `on_too_large`, at most once
// before.
class BodyReceiver final : public Receiver {
 public:
  BodyReceiver(std::size_t max_body, std::function<void()> on_too_large, std::function<void(Outcome)> on_end)
      : max_body_{max_body}, on_too_large_{std::move(on_too_large)}, on_end_{std::move(on_end)} {}

  void on_status(int status, std::optional<Duration> retry_after) override;
  bool on_bytes(std::string_view bytes) override;
  void on_end(TransportEnd end) override;

 private:
  const std::size_t max_body_;
  std::function<void()> on_too_large_;
  std::function<void(Outcome)> on_end_;
  Outcome outcome_;
};

// Queues the lines of a watch. `wake` is called on the transport's thread when there is something to take and
// the last take() had left nothing.
class LineReceiver final : public Receiver {
 public:
  LineReceiver(std::size_t max_line, std::size_t max_queue, std::function<void()> wake)
      : max_queue_{max_queue}, wake_{std::move(wake)}, splitter_{max_line} {}

  void on_status(int status, std::optional<Duration> retry_after) override;
  bool on_bytes(std::string_view bytes) override;
  void on_end(TransportEnd end) override;

  struct Taken {
    int status = 0;  // 0: not known yet
    std::vector<std::string> lines;
    bool too_large = false;
    bool more = false;             // take again
    bool drained = false;          // there is room: the transport may go on
    std::optional<Outcome> ended;  // after the last line
  };
  // Any thread.
  [[nodiscard]] Taken take(std::size_t max_lines);

 private:
  void rouse(std::unique_lock<std::mutex> lock);

  const std::size_t max_queue_;
  std::function<void()> wake_;
  LineSplitter splitter_;  // of the transport's thread

  std::mutex mutex_;
  std::deque<std::string> lines_;
  std::size_t queued_ = 0;
  bool awake_ = false;
  Outcome outcome_;
  bool ended_ = false;
};

}  // namespace vipra::kube
