// A FolderSource on a real folder with real inotify, and a loop that is turned until something has come true.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "source/folder_source.hpp"
#include "tests/source/temporary_folder.hpp"

namespace vipra::test {

using namespace std::chrono_literals;

class FolderTest : public testing::Test {
 protected:
  // Rescans are far away unless a test wants them: what is seen is seen by inotify.
  source::FolderOptions options() const {
    source::FolderOptions out;
    out.folder = folder;
    out.rescan = 1h;
    return out;
  }

  void start() { start(options()); }
  void start(const source::FolderOptions& with) {
    folder_source.emplace(loop, with);
    folder_source->start([this](auto change) { take(std::get<0>(change)); },
                         [this](const source::Health& health) { healths.push_back(health); });
    EXPECT_TRUE(healths.empty()) << "called back from inside start()";
  }

  template <class Condition>
  [[nodiscard]] bool eventually(Condition condition, std::chrono::milliseconds within = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      if (loop.stopped()) loop.restart();
      loop.run_one_for(20ms);
    }
    return true;
  }
  // Turns the loop for a while: for what must not happen.
  void turn_for(std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    (void)eventually([&] { return std::chrono::steady_clock::now() >= deadline; }, time + 1s);
  }

  // "name" of every object in a file, "!" behind an incomplete one.
  [[nodiscard]] std::vector<std::string> seen() const {
    std::vector<std::string> out;
    for (const auto& [name, file] : files) {
      std::string text = name + (file->complete ? "" : "!");
      for (const auto& object : file->objects) {
        text += ' ' + object.json["metadata"].value("name", "?") + '=' +
                std::to_string(object.json["spec"]["vrrp"].value("virtualRouterID", 0));
      }
      out.push_back(text);
    }
    return out;
  }
  [[nodiscard]] bool sees(const std::vector<std::string>& expected) {
    const bool seen_it = eventually([&] { return changes > 0 && seen() == expected; });
    EXPECT_THAT(seen(), testing::ElementsAreArray(expected));
    return seen_it;
  }
  [[nodiscard]] bool readable() const { return !healths.empty() && healths.back().readable; }

  TemporaryFolder root;
  fs::path folder = root / "definitions";
  boost::asio::io_context loop;
  std::optional<source::FolderSource> folder_source;
  int changes = 0;
  std::map<std::string, definitions::InputFilePtr> files;
  std::vector<source::Health> healths;

 private:
  void take(const source::Replaced<definitions::InputFilePtr>& change) {
    ++changes;
    files.clear();
    for (const auto& file : change.all) files[file->name] = file;
  }
};

}  // namespace vipra::test
