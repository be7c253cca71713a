// The commands of the node's socket. Internal to this module.
#pragma once

#include <grpcpp/grpcpp.h>

#include "report/commands.hpp"
#include "vipra/report/v1/report.grpc.pb.h"

namespace vipra::report {

class CommandService final : public v1::NodeCommands::CallbackService {
 public:
  explicit CommandService(OnCommand on_command) : on_command_{std::move(on_command)} {}

  grpc::ServerUnaryReactor* StandAside(grpc::CallbackServerContext* context,
                                       const v1::StandAsideRequest* request,
                                       v1::StandAsideReply* response) override;

 private:
  OnCommand on_command_;
};

}  // namespace vipra::report
