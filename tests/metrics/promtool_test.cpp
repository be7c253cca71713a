// The page as Prometheus' own tool reads it: it must parse, and follow the naming conventions.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>

#include "metrics/families.hpp"
#include "tests/metrics/golden_snapshot.hpp"

namespace vipra::metrics {
namespace {

int promtool(const std::string& page) {
  std::FILE* tool = ::popen("promtool check metrics", "w");
  if (tool == nullptr) return -1;
  std::fwrite(page.data(), 1, page.size(), tool);
  const int status = ::pclose(tool);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Promtool, FindsNothingWrongWithThePage) {
  EXPECT_EQ(promtool(render(test::golden_snapshot())), 0)
      << "127: promtool is missing (Debian package prometheus)";
}

TEST(Promtool, WouldHaveFoundSomething) {
  EXPECT_NE(promtool("# HELP vipra_x_total x\n# TYPE vipra_x_total gauge\nvipra_x_total 1\n"), 0);
}

}  // namespace
}  // namespace vipra::metrics
