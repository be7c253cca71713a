#include "report/command_service.hpp"

#include <atomic>
#include <utility>

#include "report/utf8.hpp"

namespace vipra::report {
namespace {

grpc::StatusCode code_of(CommandAnswer::Refusal refusal) {
  switch (refusal) {
    case CommandAnswer::Refusal::kInvalid:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case CommandAnswer::Refusal::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case CommandAnswer::Refusal::kNotNow:
      break;
  }
  return grpc::StatusCode::FAILED_PRECONDITION;
}

// gRPC keeps the reactor and the response until Finish, which comes exactly once: here, or at the latest when
// the last one who could have answered is gone.
class Answer final : public CommandAnswer {
 public:
  Answer(grpc::ServerUnaryReactor& reactor, v1::StandAsideReply& response)
      : reactor_{reactor}, response_{response} {}
  ~Answer() override { finish({grpc::StatusCode::UNAVAILABLE, "the agent stops"}); }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  void accept(const v1::StandAsideReply& reply) override {
    if (answered_.exchange(true)) return;
    response_ = reply;
    reactor_.Finish(grpc::Status::OK);
  }
  void refuse(Refusal refusal, const std::string& why) override {
    finish({code_of(refusal), repaired_utf8(why)});
  }

 private:
  void finish(grpc::Status status) {
    if (!answered_.exchange(true)) reactor_.Finish(std::move(status));
  }

  grpc::ServerUnaryReactor& reactor_;
  v1::StandAsideReply& response_;
  std::atomic<bool> answered_{false};
};

}  // namespace

grpc::ServerUnaryReactor* CommandService::StandAside(grpc::CallbackServerContext* context,
                                                     const v1::StandAsideRequest* request,
                                                     v1::StandAsideReply* response) {
  auto* reactor = context->DefaultReactor();
  auto answer = std::make_shared<Answer>(*reactor, *response);
  if (on_command_) on_command_(*request, std::move(answer));
  return reactor;
}

}  // namespace vipra::report
