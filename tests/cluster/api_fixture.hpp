#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "lab/clock.hpp"
#include "lab/kube/api_server.hpp"

namespace vipra::lab::kube {

#define EXPECT_OK(expression)                                 \
  do {                                                        \
    const auto& outcome = (expression);                       \
    EXPECT_TRUE(outcome.has_value()) << outcome.error().what; \
  } while (false)

#define ASSERT_OK(expression)                                 \
  do {                                                        \
    const auto& outcome = (expression);                       \
    ASSERT_TRUE(outcome.has_value()) << outcome.error().what; \
  } while (false)

inline Result<std::unique_ptr<ApiServer>> start_api(std::vector<UserOptions> users = {}) {
  auto binaries = Binaries::find(VIPRA_SOURCE_DIR, Level::kApi);
  if (!binaries) return tl::unexpected{binaries.error()};
  return ApiServer::start({.binaries = *binaries, .users = std::move(users)});
}

// The words of kubectl; "exit N: words" when it failed.
inline std::string said(const Result<CommandOutput>& output) {
  if (!output) return "not run: " + output.error().what;
  if (output->exit_status != 0) return "exit " + std::to_string(output->exit_status) + ": " + output->out;
  return output->out;
}

}  // namespace vipra::lab::kube
