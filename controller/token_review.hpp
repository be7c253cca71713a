// Who an agent is: asks the API server about its token, once a stream. Answers of the API are judged here;
// the token itself is neither kept nor logged.
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>
#include <string_view>

#include "collect/report_server.hpp"
#include "kube/client.hpp"

namespace vipra::controller {

[[nodiscard]] std::string token_review_body(const std::string& token, const std::string& audience);
// `body`: the TokenReview as the API server filled it in. `token`: for its expiry alone.
[[nodiscard]] collect::TokenReview judge_token_review(std::string_view body, std::string_view token);

// May be called on any thread; the question itself is asked on the thread of `io`. All three must outlive it.
[[nodiscard]] collect::TokenReviewer make_token_reviewer(boost::asio::io_context& io, kube::Client& client,
                                                         std::string audience);

}  // namespace vipra::controller
