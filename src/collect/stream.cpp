#include "collect/stream.hpp"

#include <algorithm>
#include <utility>

namespace vipra::collect {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxDetail = 256;
constexpr std::size_t kMaxToken = 16 << 10;
constexpr std::string_view kBearer = "bearer ";

// The token of "authorization: Bearer TOKEN"; empty if there is none.
std::string bearer_token(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  if (found == metadata.end()) return {};
  const std::string_view value{found->second.data(), found->second.size()};
  if (value.size() <= kBearer.size() || value.size() > kMaxToken) return {};
  const bool bearer = std::equal(kBearer.begin(), kBearer.end(), value.begin(), [](char want, char got) {
    return want == (got >= 'A' && got <= 'Z' ? static_cast<char>(got + ('a' - 'A')) : got);
  });
  return bearer ? std::string{value.substr(kBearer.size())} : std::string{};
}

}  // namespace

Stream::Stream(grpc::CallbackServerContext& context, const ReportServer::Options& options, StreamOwner& owner,
               std::shared_ptr<runtime::Strand> strand)
    : context_{context},
      options_{options},
      owner_{owner},
      strand_{std::move(strand)},
      peer_{context.peer()},
      token_{bearer_token(context)} {}

void Stream::post(std::function<void(Stream&)> action) {
  strand_->post([self = shared_from_this(), run = std::move(action)] { run(*self); });
}

// A timer keeps no stream alive.
void Stream::after(std::chrono::milliseconds delay, std::function<void(Stream&)> action) {
  strand_->after(delay, [weak = weak_from_this(), run = std::move(action)] {
    if (const auto self = weak.lock()) run(*self);
  });
}

void Stream::begin() {
  if (token_.empty()) {
    end(Reason::kTokenMissing, grpc::StatusCode::UNAUTHENTICATED, "no bearer token");
    return;
  }
  review();
}

void Stream::review() {
  if (final_) return;
  const auto number = ++reviews_;
  after(options_.review_timeout, [number](Stream& self) {
    TokenReview none;
    none.detail = "no answer in time";
    self.reviewed(number, none);
  });
  options_.reviewer(token_,
                    [weak = weak_from_this(), strand = std::weak_ptr{strand_}, number](TokenReview answer) {
                      const auto alive = strand.lock();
                      if (alive == nullptr) return;
                      alive->post([weak, number, review = std::move(answer)] {
                        if (const auto self = weak.lock()) self->reviewed(number, review);
                      });
                    });
}

void Stream::reviewed(std::uint64_t number, const TokenReview& review) {
  if (final_ || number != reviews_) return;
  ++reviews_;  // one answer is enough
  const bool first = node_.empty();
  if (review.verdict == TokenReview::Verdict::kUnavailable) {
    review_failed(review.detail);
    return;
  }
  const auto refuse = [&](Reason reason, std::string detail) {
    end(reason, grpc::StatusCode::UNAUTHENTICATED, std::move(detail));
  };
  if (review.verdict == TokenReview::Verdict::kRefused) {
    refuse(first ? Reason::kTokenRefused : Reason::kTokenExpired, review.detail);
    return;
  }
  const auto& audiences = review.audiences;
  if (!options_.audience.empty() &&
      std::find(audiences.begin(), audiences.end(), options_.audience) == audiences.end()) {
    refuse(Reason::kTokenRefused, "not for the audience " + options_.audience);
    return;
  }
  if (!options_.username.empty() && review.username != options_.username) {
    refuse(Reason::kTokenRefused, "of " + review.username + ", not of " + options_.username);
    return;
  }
  if (review.node.empty()) {
    refuse(Reason::kTokenWithoutNode, "the token names no node");
    return;
  }
  if (!first && review.node != node_) {
    refuse(Reason::kWrongNode, "the token is now of " + review.node);
    return;
  }
  unavailable_since_.reset();
  review_again_at_expiry(review);
  if (!first) return;
  node_ = review.node;
  owner_.accepted(shared_from_this());
  read();
}

void Stream::review_failed(const std::string& detail) {
  const auto now = Clock::now();
  if (!unavailable_since_) unavailable_since_ = now;
  if (node_.empty() || now - *unavailable_since_ > options_.review_grace) {
    end(Reason::kTokenNotReviewed, grpc::StatusCode::UNAVAILABLE, detail);
    return;
  }
  after(options_.review_retry, [](Stream& self) { self.review(); });
}

void Stream::review_again_at_expiry(const TokenReview& review) {
  auto wait = options_.review_period;
  if (review.expires != std::chrono::system_clock::time_point{}) {
    const auto left = review.expires - std::chrono::system_clock::now();
    // A token that is said to have expired, and yet was accepted, is not asked about without end.
    wait = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(left) + 1ms,
                      std::chrono::milliseconds{options_.review_retry}, std::chrono::milliseconds{24h});
  }
  after(wait, [](Stream& self) { self.review(); });
}

void Stream::read() {
  if (final_) return;
  last_read_ = Clock::now();
  StartRead(&incoming_);
}

void Stream::take(bool ok) {
  if (final_) return;
  if (!ok) {
    end(Reason::kNone, grpc::StatusCode::OK, "");
    return;
  }
  if (incoming_.node() != node_) {
    end(Reason::kWrongNode, grpc::StatusCode::PERMISSION_DENIED,
        "the token is of " + node_ + ", the report of " + incoming_.node().substr(0, kMaxDetail));
    return;
  }
  taken_ = incoming_.sequence();
  owner_.took(node_, std::make_shared<const report::v1::NodeReport>(std::move(incoming_)));
  incoming_.Clear();
  ack_wanted_ = true;
  proceed();
  const auto since = Clock::now() - last_read_;
  if (since >= options_.min_interval) {
    read();
  } else {
    after(std::chrono::ceil<std::chrono::milliseconds>(options_.min_interval - since),
          [](Stream& self) { self.read(); });
  }
}

// One write, or the end, at a time.
void Stream::proceed() {
  if (writing_ || finished_) return;
  if (final_) {
    finished_ = true;
    Finish(*final_);
  } else if (ack_wanted_) {
    ack_wanted_ = false;
    writing_ = true;
    ack_.set_sequence(taken_);
    StartWrite(&ack_);
  }
}

void Stream::end(Reason reason, grpc::StatusCode code, std::string detail) {
  if (final_) return;
  if (detail.size() > kMaxDetail) detail.resize(kMaxDetail);
  std::string text = reason == Reason::kNone ? detail : std::string{to_string(reason)} + ": " + detail;
  final_ = grpc::Status{code, std::move(text)};
  token_.clear();
  if (reason != Reason::kNone) owner_.refused(reason, node_, std::move(detail), peer_);
  proceed();
  // A client that does not read its acknowledgements is not waited for.
  after(1s, [](Stream& self) {
    if (!self.finished_) self.context_.TryCancel();
  });
}

void Stream::OnReadDone(bool ok) {
  post([ok](Stream& self) { self.take(ok); });
}

void Stream::OnWriteDone(bool ok) {
  post([ok](Stream& self) {
    self.writing_ = false;
    if (!ok) self.end(Reason::kNone, grpc::StatusCode::CANCELLED, "the node went away");
    self.proceed();
  });
}

void Stream::OnCancel() {
  post([](Stream& self) { self.end(Reason::kNone, grpc::StatusCode::CANCELLED, "cancelled"); });
}

void Stream::OnDone() {
  post([](Stream& self) {
    self.final_ = grpc::Status::OK;
    self.finished_ = true;
    self.owner_.done(self.shared_from_this());
  });
}

}  // namespace vipra::collect
