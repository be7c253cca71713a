// Whoever wants to know of transitions is told, and never waited for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/unique_fd.hpp"
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;

struct NotifyLab : AgentLab {
  // A folder that control may write, which has no privilege.
  fs::path open_folder() {
    const auto folder = lab_->directory() / "told";
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms::all);
    fs::permissions(lab_->directory(), fs::perms::others_exec, fs::perm_options::add);
    return folder;
  }
  static std::string read(const fs::path& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  // "Backup>Master MasterSilent" of each line.
  static std::vector<std::string> transitions(const std::string& lines) {
    std::vector<std::string> out;
    std::istringstream in{lines};
    for (std::string line; std::getline(in, line);) {
      const auto said = nlohmann::json::parse(line, nullptr, false);
      if (said.is_discarded()) return {"no JSON: " + line};
      out.push_back(said.value("from", "") + ">" + said.value("to", "") + " " + said.value("reason", ""));
    }
    return out;
  }
};

TEST_F(NotifyLab, AHookIsToldOfEveryTransitionInOrder) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  const auto folder = open_folder();
  const auto hook = folder / "hook";
  std::ofstream{hook} << "#!/bin/sh\ncat >> \"" << (folder / "lines").string() << "\"\n";
  fs::permissions(hook, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
  auto told = agent();
  told.extra = {"--notify-hook", hook.string()};
  ASSERT_OK(node("node-a").start_agent(agent()));
  ASSERT_TRUE(owns("node-a", s{10}));
  ASSERT_OK(node("node-b").start_agent(told));
  ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
  ASSERT_OK(node("node-a").crash());
  ASSERT_TRUE(owns("node-b"));
  const std::vector<std::string> expected{"Init>Backup Startup", "Backup>Master MasterSilent"};
  EXPECT_TRUE(wait_until([&] { return transitions(read(folder / "lines")) == expected; }, s{10}))
      << read(folder / "lines");
}

TEST_F(NotifyLab, AFifoNobodyReadsAndAHookThatHangsDelayNothing) {
  ASSERT_NO_FATAL_FAILURE(build(2));
  const auto folder = open_folder();
  const auto hook = folder / "hook";
  std::ofstream{hook} << "#!/bin/sh\nsleep 1000\n";
  fs::permissions(hook, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  const auto fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  fs::permissions(fifo, fs::perms::all);
  {  // full before anything has happened
    const std::vector<char> filling(4096, '\n');
    const UniqueFd full{::open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    while (::write(full.get(), filling.data(), filling.size()) > 0) continue;
    ASSERT_OK(lab_->write_definition("web.yaml", web().yaml()));
    auto told = agent();
    told.extra = {"--notify-hook", hook.string(), "--notify-fifo", fifo.string()};
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(owns("node-a", s{10}));
    ASSERT_OK(node("node-b").start_agent(told));
    ASSERT_TRUE(logged(node("node-b"), "\"to\":\"Backup\""));
    const auto report = probed([&] { ASSERT_OK(node("node-a").crash()); }, [&] { return owns("node-b"); });
    if (!report.host_stalled()) {
      EXPECT_LT(report.longest_outage(), ms{1000});
    }
    EXPECT_TRUE(logged(node("node-b"), "notify.dropped"));
  }
  // Control still ends at once: the hook ends with it.
  const auto exit = node("node-b").stop_agent();
  ASSERT_OK(exit);
  EXPECT_TRUE(exit->exited_with(0));
}

}  // namespace
}  // namespace vipra::lab
