// The ordinary life of a folder: files come, change and go, in all the ways that programs write files.
#include <fcntl.h>
#include <unistd.h>

#include "source/folder_reader.hpp"
#include "sys/unique_fd.hpp"
#include "tests/source/folder_fixture.hpp"

namespace vipra::test {
namespace {

class FolderSourceTest : public FolderTest {
 protected:
  FolderSourceTest() { fs::create_directory(folder); }
};

TEST(DefinitionNames, AreThoseThatPeopleWriteAndNotThoseThatEditorsLeave) {
  for (const auto* name : {"a.yaml", "a.yml", "a.json", "a.b.yaml", "4913.yaml"}) {
    EXPECT_TRUE(source::is_definition_name(name)) << name;
  }
  for (const auto* name : {"", ".", "..", "a", "4913", ".a.yaml", ".a.yaml.swp", "a.yaml~", "#a.yaml#",
                           ".#a.yaml", "a.yaml.bak", "..data", "a.YAML.tmp", "yaml"}) {
    EXPECT_FALSE(source::is_definition_name(name)) << name;
  }
}

TEST_F(FolderSourceTest, ReadsWhatIsThereAtTheStart) {
  write(folder / "b.json",
        R"({"kind": "VirtualIP", "metadata": {"name": "b"}, "spec": {"vrrp": {"virtualRouterID": 2}}})");
  write(folder / "a.yaml", definition("a", 1) + "---\n" + definition("c", 3));
  start();
  EXPECT_TRUE(sees({"a.yaml a=1 c=3", "b.json b=2"}));
  EXPECT_TRUE(readable());
  EXPECT_EQ(healths.size(), 1u);
  EXPECT_EQ(files["a.yaml"]->objects[1].origin, "a.yaml:2");
}

TEST_F(FolderSourceTest, AnEmptyFolderIsATruthToo) {
  start();
  EXPECT_TRUE(sees({}));
  EXPECT_TRUE(readable());
}

TEST_F(FolderSourceTest, SeesNewChangedAndDeletedFiles) {
  start();
  ASSERT_TRUE(sees({}));
  write(folder / "a.yaml", definition("a", 1));
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  write(folder / "b.yaml", definition("b", 2));
  ASSERT_TRUE(sees({"a.yaml a=1", "b.yaml b=2"}));
  write(folder / "a.yaml", definition("a", 9));
  ASSERT_TRUE(sees({"a.yaml a=9", "b.yaml b=2"}));
  fs::remove(folder / "a.yaml");
  EXPECT_TRUE(sees({"b.yaml b=2"}));
}

TEST_F(FolderSourceTest, SeesAFileThatIsRenamedIntoPlaceOrAway) {
  start();
  ASSERT_TRUE(sees({}));
  write(root / "new", definition("a", 1));
  fs::rename(root / "new", folder / "a.yaml");
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  write(folder / ".a.yaml.tmp", definition("a", 2));
  fs::rename(folder / ".a.yaml.tmp", folder / "a.yaml");
  ASSERT_TRUE(sees({"a.yaml a=2"}));
  fs::rename(folder / "a.yaml", folder / "a.yaml.disabled");
  EXPECT_TRUE(sees({}));
}

TEST_F(FolderSourceTest, SeesAHardLinkAtOnce) {
  start();
  ASSERT_TRUE(sees({}));
  write(root / "a", definition("a", 1));
  fs::create_hard_link(root / "a", folder / "a.yaml");
  EXPECT_TRUE(eventually([&] { return !files.empty(); }, 900ms))
      << "waited as for a file that is being written";
}

TEST_F(FolderSourceTest, UnchangedFilesStayTheSamePointers) {
  write(folder / "a.yaml", definition("a", 1));
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  const auto before = files["a.yaml"];
  write(folder / "b.yaml", definition("b", 2));
  ASSERT_TRUE(sees({"a.yaml a=1", "b.yaml b=2"}));
  EXPECT_EQ(files["a.yaml"], before);
}

TEST_F(FolderSourceTest, WritingTheSameAgainChangesNothing) {
  write(folder / "a.yaml", definition("a", 1));
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  write(folder / "a.yaml", definition("a", 1));
  turn_for(100ms);
  EXPECT_EQ(changes, 1);
}

TEST_F(FolderSourceTest, SeesTwoVersionsOfOneSizeWithinOneTickOfTheClock) {
  start();
  for (int round = 0; round < 50; ++round) {
    const int vrid = 10 + round;
    write(folder / "a.yaml", definition("a", vrid));
    ASSERT_TRUE(sees({"a.yaml a=" + std::to_string(vrid)}));
  }
}

TEST_F(FolderSourceTest, IgnoresWhatEditorsLeave) {
  start();
  ASSERT_TRUE(sees({}));
  for (const auto* name : {".a.yaml.swp", "a.yaml~", "#a.yaml#", "4913", "a.yaml.bak"})
    write(folder / name, definition("x"));
  write(folder / "a.yaml", definition("a", 1));
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  EXPECT_EQ(changes, 2);
}

TEST_F(FolderSourceTest, DoesNotReadAFileThatIsStillBeingWritten) {
  write(folder / "a.yaml", definition("a", 1) + "---\n" + definition("b", 2));
  start();
  ASSERT_TRUE(sees({"a.yaml a=1 b=2"}));
  const auto text = definition("a", 8) + "---\n" + definition("b", 9);
  {
    std::ofstream writer{folder / "a.yaml", std::ios::trunc};
    writer << text.substr(0, definition("a", 8).size()) << std::flush;  // whole, but not all
    write(folder / "c.yaml", definition("c", 3));
    ASSERT_TRUE(sees({"a.yaml a=1 b=2", "c.yaml c=3"}));
    writer << text.substr(definition("a", 8).size());
  }
  EXPECT_TRUE(sees({"a.yaml a=8 b=9", "c.yaml c=3"}));
  EXPECT_EQ(changes, 3);
}

TEST_F(FolderSourceTest, ReadsAFileThatNobodyClosesOnceItIsQuiet) {
  auto patient = options();
  patient.write_patience = 200ms;
  start(patient);
  ASSERT_TRUE(sees({}));
  std::ofstream writer{folder / "a.yaml"};
  writer << definition("a", 1) << std::flush;
  EXPECT_TRUE(sees({"a.yaml a=1"}));
}

TEST_F(FolderSourceTest, TakesABurstAsFewChanges) {
  start();
  ASSERT_TRUE(sees({}));
  for (int i = 0; i < 200; ++i)
    write(folder / ("vip-" + std::to_string(i) + ".yaml"), definition("vip-" + std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return files.size() == 200; }));
  EXPECT_LE(changes, 20);
}

TEST_F(FolderSourceTest, AnUnparsableFileIsHandedOverAsIncomplete) {
  write(folder / "a.yaml", definition("a", 1));
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  write(folder / "a.yaml", "apiVersion: {");
  ASSERT_TRUE(sees({"a.yaml!"}));
  ASSERT_EQ(files["a.yaml"]->problems.size(), 1u);
  EXPECT_EQ(files["a.yaml"]->problems[0].origin, "a.yaml:1");
  EXPECT_EQ(files["a.yaml"]->problems[0].reason, Reason::kParseError);
  write(folder / "a.yaml", "");
  ASSERT_TRUE(eventually([&] { return files["a.yaml"]->problems[0].origin == "a.yaml"; }));
  EXPECT_FALSE(files["a.yaml"]->complete) << "an emptied file is no deletion";
}

TEST_F(FolderSourceTest, FollowsAFileThatIsALink) {
  write(root / "target", definition("a", 1));
  fs::create_symlink(root / "target", folder / "a.yaml");
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  write(root / "target", definition("a", 2));  // in place, in another folder
  ASSERT_TRUE(sees({"a.yaml a=2"}));
  write(root / "next", definition("a", 3));
  fs::rename(root / "next", root / "target");  // replaced
  ASSERT_TRUE(sees({"a.yaml a=3"}));
  write(root / "target", definition("a", 4));  // the new one is watched too
  EXPECT_TRUE(sees({"a.yaml a=4"}));
}

TEST_F(FolderSourceTest, FollowsTheSwapOfAConfigMapMount) {
  const auto mount = [&](const std::string& version, const std::string& text, bool with_b) {
    fs::create_directory(folder / version);
    write(folder / version / "a.yaml", text);
    if (with_b) write(folder / version / "b.yaml", definition("b", 7));
    fs::create_directory_symlink(version, folder / "..data_tmp");
    fs::rename(folder / "..data_tmp", folder / "..data");
  };
  mount("..2026_01", definition("a", 1), true);
  fs::create_symlink("..data/a.yaml", folder / "a.yaml");
  fs::create_symlink("..data/b.yaml", folder / "b.yaml");
  start();
  ASSERT_TRUE(sees({"a.yaml a=1", "b.yaml b=7"}));
  mount("..2026_02", definition("a", 2), true);
  fs::remove_all(folder / "..2026_01");
  ASSERT_TRUE(sees({"a.yaml a=2", "b.yaml b=7"}));
  mount("..2026_03", definition("a", 3), false);
  fs::remove(folder / "b.yaml");
  EXPECT_TRUE(sees({"a.yaml a=3"}));
}

TEST_F(FolderSourceTest, FollowsAFolderThatIsALink) {
  fs::create_directory(root / "v1");
  fs::create_directory(root / "v2");
  write(root / "v1" / "a.yaml", definition("a", 1));
  write(root / "v2" / "a.yaml", definition("a", 2));
  fs::remove(folder);
  fs::create_directory_symlink("v1", folder);
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  fs::create_directory_symlink("v2", root / "next");
  fs::rename(root / "next", folder);
  ASSERT_TRUE(sees({"a.yaml a=2"}));
  write(root / "v2" / "a.yaml", definition("a", 3));
  EXPECT_TRUE(sees({"a.yaml a=3"}));
}

TEST_F(FolderSourceTest, FindsByTimeWhatNoEventTells) {
  auto blind = options();
  blind.rescan = 50ms;
  fs::create_directory(root / "hidden");
  write(root / "hidden" / "a.yaml", definition("a", 1));
  fs::create_directory_symlink("hidden", root / "way");
  fs::create_symlink(root / "way" / "a.yaml", folder / "a.yaml");
  start(blind);
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  fs::create_directory(root / "other");  // a link on the way to the file: inotify says nothing
  write(root / "other" / "a.yaml", definition("a", 2));
  fs::create_directory_symlink("other", root / "next");
  fs::rename(root / "next", root / "way");
  EXPECT_TRUE(sees({"a.yaml a=2"}));
}

TEST_F(FolderSourceTest, IsSilentOnceItIsStopped) {
  start();
  ASSERT_TRUE(sees({}));
  write(folder / "a.yaml", definition("a", 1));
  folder_source->stop();
  turn_for(50ms);
  folder_source.reset();
  turn_for(50ms);
  EXPECT_EQ(changes, 1);
}

TEST_F(FolderSourceTest, ACallbackMayStopIt) {
  write(folder / "a.yaml", definition("a", 1));
  int calls = 0;
  source::FolderSource one{loop, options()};
  one.start([&](const auto&) { ++calls; }, [&](const auto&) { one.stop(); });
  turn_for(50ms);
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace vipra::test
