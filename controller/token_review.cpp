#include "controller/token_review.hpp"

#include <boost/asio/post.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base64.hpp"
#include "kube_core/json_access.hpp"
#include "kube_core/object.hpp"

namespace vipra::controller {
namespace {

using collect::TokenReview;
using kube::member;
using kube::text;
using nlohmann::json;
using Verdict = TokenReview::Verdict;

constexpr std::size_t kMaxClaims = 16 * 1024;
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

std::chrono::system_clock::time_point expiry_of(std::string_view token) {
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return {};
  const auto encoded = token.substr(first + 1, second - first - 1);
  if (encoded.size() > kMaxClaims) return {};
  const auto claims = decoded_base64(encoded);
  if (!claims) return {};
  const auto parsed = kube::parse_json(*claims);
  if (!parsed) return {};
  const auto& exp = member(*parsed, "exp");
  if (!exp.is_number_integer()) return {};
  constexpr std::int64_t kLatest = 253'402'300'799;  // year 9999
  const auto seconds = exp.get<std::int64_t>();
  if (seconds <= 0 || seconds > kLatest) return {};
  return std::chrono::system_clock::time_point{std::chrono::seconds{seconds}};
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
  out.expires = expiry_of(token);
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
