// Nothing is left behind, however the lab ends.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "lab/processes.hpp"
#include "tests/lab/lab_selftest.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

std::size_t open_files() {
  const fs::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST_F(LabSelftest, DestructorLeavesNoProcessNoFolderNoFile) {
  lab_.reset();
  const auto files = open_files();
  auto made = Lab::make({.nodes = 2});
  ASSERT_OK(made);
  std::vector<ino_t> namespaces{(*made)->network().net().inode(), (*made)->client().net().inode()};
  for (std::size_t i = 0; i < 2; ++i) namespaces.push_back((*made)->node(i).net().inode());
  ASSERT_OK((*made)->client().run({"sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &"}));
  const auto folder = (*made)->directory();
  ASSERT_TRUE(fs::exists(folder));
  made->reset();
  EXPECT_FALSE(fs::exists(folder));
  for (const auto inode : namespaces) EXPECT_THAT(processes_in(inode), IsEmpty());
  EXPECT_EQ(open_files(), files);
}

TEST_F(LabSelftest, KeptFilesStayAndAreNotSweptAway) {
  auto made = Lab::make({.nodes = 1, .keep_files = true});
  ASSERT_OK(made);
  const auto folder = (*made)->directory();
  made->reset();
  EXPECT_TRUE(fs::exists(folder / "node-a"));
  sweep_dead_workspaces();
  EXPECT_TRUE(fs::exists(folder / "node-a"));
  fs::remove_all(folder);
}

TEST_F(LabSelftest, DeadFoldersAreSweptAndLivingOnesAreNot) {
  const auto dead = fs::temp_directory_path() / "vipra-lab-1-selftest";
  fs::create_directory(dead);
  std::ofstream{dead / "alive"} << "";
  EXPECT_THAT(dead_workspaces(), Contains(dead));
  EXPECT_THAT(dead_workspaces(), Not(Contains(lab_->directory())));
  sweep_dead_workspaces();
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(lab_->directory()));
}

// A lab in a process of its own, ended by a signal.
class LabProgram : public LabSelftest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    options_.nodes = 1;
    options_.clients = 0;
    LabSelftest::SetUp();
  }
  std::set<ino_t> namespaces_;
};

TEST_P(LabProgram, ASignalTakesEverythingDown) {
  Spawner spawner;
  auto net = NetNamespace::make();
  ASSERT_OK(net);
  const auto log = lab_->directory() / "program.log";
  auto program = spawner.execute(*net, {VIPRA_LAB_PROGRAM, "up", "--no-agent", "--nodes", "2"},
                                 {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, log);
  ASSERT_OK(program);
  const std::string pattern = "vipra-lab-" + std::to_string(program->pid()) + "-";
  const auto said = [&] {
    std::ifstream file{log};
    return std::string{std::istreambuf_iterator<char>{file}, {}};
  };
  ASSERT_TRUE(wait_until([&] { return said().find("Ctrl-C takes") != std::string::npos; }, ms{10000}))
      << said();

  fs::path folder;
  for (const auto& entry : fs::directory_iterator{fs::temp_directory_path()})
    if (entry.path().filename().string().starts_with(pattern)) folder = entry.path();
  ASSERT_TRUE(fs::exists(folder));
  for (const auto& process : process_tree(program->pid())) {
    struct stat info{};
    if (::stat(("/proc/" + std::to_string(process.pid) + "/ns/net").c_str(), &info) == 0)
      namespaces_.insert(info.st_ino);
  }
  namespaces_.erase(net->inode());
  struct stat host{};
  ::stat("/proc/self/ns/net", &host);
  namespaces_.erase(host.st_ino);
  ASSERT_GE(namespaces_.size(), 3U);  // two nodes and the switch have responders

  program->signal(GetParam());
  ASSERT_TRUE(program->wait(ms{10000}).has_value());
  EXPECT_TRUE(wait_until([&] { return !fs::exists(folder); }, ms{10000})) << folder;
  for (const auto inode : namespaces_) EXPECT_THAT(processes_in(inode), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Signals, LabProgram, testing::Values(SIGINT, SIGTERM, SIGKILL, SIGSEGV));

}  // namespace
}  // namespace vipra::lab
