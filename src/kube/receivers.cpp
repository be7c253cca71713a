#include "kube/receivers.hpp"

#include <algorithm>

namespace vipra::kube {
namespace {

constexpr std::size_t kMaxErrorBody = 64u << 10;
// What a queued line costs besides its text: many short ones must not be free.
constexpr std::size_t kLineCost = 64;

}  // namespace

void BodyReceiver::on_status(int status, std::optional<Duration> retry_after) {
  outcome_.status = status;
  outcome_.retry_after = retry_after;
}

bool BodyReceiver::on_bytes(std::string_view bytes) {
  const bool good = outcome_.status >= 200 && outcome_.status < 300;
  if (outcome_.too_large) return true;  // thrown away until the cancelling arrives
  if (!good) {
    outcome_.body += bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, outcome_.body.size()));
    return true;
  }
  if (outcome_.body.size() + bytes.size() > max_body_) {
    outcome_.too_large = true;
    outcome_.body = {};
    on_too_large_();
    return true;
  }
  outcome_.body += bytes;
  return true;
}

void BodyReceiver::on_end(TransportEnd end) {
  outcome_.end = std::move(end);
  on_end_(std::move(outcome_));
}

void LineReceiver::rouse(std::unique_lock<std::mutex> lock) {
  const bool sleeping = !std::exchange(awake_, true);
  lock.unlock();
  if (sleeping) wake_();
}

void LineReceiver::on_status(int status, std::optional<Duration> retry_after) {
  std::unique_lock lock{mutex_};
  outcome_.status = status;
  outcome_.retry_after = retry_after;
  rouse(std::move(lock));
}

bool LineReceiver::on_bytes(std::string_view bytes) {
  std::unique_lock lock{mutex_};
  if (outcome_.too_large) return true;
  if (outcome_.status != 200) {
    outcome_.body += bytes.substr(0, kMaxErrorBody - std::min(kMaxErrorBody, outcome_.body.size()));
    return true;
  }
  const bool fits = splitter_.feed(bytes, [this](std::string_view line) {
    queued_ += line.size() + kLineCost;
    lines_.emplace_back(line);
  });
  outcome_.too_large = !fits;
  const bool room = queued_ <= max_queue_;
  if (!lines_.empty() || !fits) rouse(std::move(lock));
  return room;
}

void LineReceiver::on_end(TransportEnd end) {
  std::unique_lock lock{mutex_};
  outcome_.end = std::move(end);
  ended_ = true;
  rouse(std::move(lock));
}

LineReceiver::Taken LineReceiver::take(std::size_t max_lines) {
  const std::lock_guard lock{mutex_};
  Taken out;
  out.status = outcome_.status;
  while (!lines_.empty() && out.lines.size() < max_lines) {
    queued_ -= lines_.front().size() + kLineCost;
    out.lines.push_back(std::move(lines_.front()));
    lines_.pop_front();
  }
  out.more = awake_ = !lines_.empty();
  out.drained = queued_ <= max_queue_ / 2;
  out.too_large = outcome_.too_large && lines_.empty();
  if (ended_ && lines_.empty()) out.ended = outcome_;
  return out;
}

}  // namespace vipra::kube
