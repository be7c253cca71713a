#include "controller/token_review.hpp"

#include <boost/asio/post.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/token_expiry.hpp"
#include "kube_core/json_access.hpp"
#include "kube_core/object.hpp"

namespace vipra::controller {
namespace {

using collect::TokenReview;
using kube::member;
using kube::text;
using nlohmann::json;
using Verdict = TokenReview::Verdict;

constexpr const char* kNodeNameExtra = "authentication.kubernetes.io/node-name";

TokenReview unavailable(std::string detail) {
  TokenReview out;
  out.verdict = Verdict::kUnavailable;
  out.detail = std::move(detail);
  return out;
}

}  // namespace

std::string token_review_body(const std::string& token, const std::string& audience) {
  return json{{"apiVersion", "authentication.k8s.io/v1"},
              {"kind", "TokenReview"},
              {"spec", {{"token", token}, {"audiences", json::array({audience})}}}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

TokenReview judge_token_review(std::string_view body, std::string_view token) {
  const auto review = kube::parse_json(body);
  if (!review) return unavailable("the API server's answer makes no sense");
  const auto& status = member(*review, "status");
  TokenReview out;
  const auto& authenticated = member(status, "authenticated");
  if (!authenticated.is_boolean() || !authenticated.get<bool>()) {
    out.verdict = Verdict::kRefused;
    out.detail = text(member(status, "error"));
    return out;
  }
  out.verdict = Verdict::kAccepted;
  const auto& user = member(status, "user");
  out.username = text(member(user, "username"));
  for (const auto& audience : member(status, "audiences")) out.audiences.push_back(text(audience));
  const auto& node = member(member(user, "extra"), kNodeNameExtra);
  if (node.is_array() && node.size() == 1) out.node = text(node[0]);
  if (const auto expiry = token_expiry(token)) {
    out.expires = std::chrono::system_clock::time_point{std::chrono::seconds{*expiry}};
  }
  return out;
}

collect::TokenReviewer make_token_reviewer(boost::asio::io_context& io, kube::Client& client,
                                           std::string audience) {
  return [&io, &client, audience = std::move(audience)](const std::string& token,
                                                        std::function<void(TokenReview)> done) {
    boost::asio::post(io, [&client, token, audience, done = std::move(done)] {
      static const kube::Resource kReviews{"authentication.k8s.io", "v1", "tokenreviews", ""};
      client.review(kReviews, token_review_body(token, audience), [token, done](const kube::Answer& answer) {
        if (!answer.ok()) return done(unavailable(answer.message));
        done(judge_token_review(answer.body, token));
      });
    });
  };
}

}  // namespace vipra::controller
