// Everything that may be wrong with a folder and the files in it: nothing blocks, nothing is taken away, all
// is named.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "source/folder_reader.hpp"
#include "source/inotify.hpp"
#include "sys/unique_fd.hpp"
#include "tests/source/folder_fixture.hpp"

namespace vipra::test {
namespace {

class FolderTroubleTest : public FolderTest {
 protected:
  void make_folder() {
    fs::create_directory(folder);
    write(folder / "a.yaml", definition("a", 1));
  }
  [[nodiscard]] bool becomes_unreadable() {
    return eventually([&] { return !healths.empty() && !healths.back().readable; });
  }
  // As control does it; root may read everything.
  [[nodiscard]] source::FolderLook look_without_privilege() {
    source::FolderReader reader{options()};
    const auto user = ::geteuid();
    const bool dropped = user != 0 || ::seteuid(65532) == 0;
    EXPECT_TRUE(dropped);
    auto found = reader.look(TimePoint{}, {});
    const bool restored = user != 0 || ::seteuid(user) == 0;
    EXPECT_TRUE(restored);
    return found;
  }
  // The one problem of a file that is no good.
  [[nodiscard]] Reason trouble_of(const std::string& name) {
    EXPECT_TRUE(eventually([&] { return files.contains(name) && !files[name]->problems.empty(); })) << name;
    if (!files.contains(name) || files[name]->problems.empty()) return Reason::kNone;
    EXPECT_FALSE(files[name]->complete);
    EXPECT_FALSE(files[name]->problems[0].message.empty());
    return files[name]->problems[0].reason;
  }
};

TEST_F(FolderTroubleTest, AMissingFolderIsReportedAndAwaited) {
  start();
  ASSERT_TRUE(becomes_unreadable());
  EXPECT_EQ(healths.back().reason, Reason::kNotReadable);
  EXPECT_THAT(healths.back().message, testing::HasSubstr(folder.string()));
  EXPECT_EQ(changes, 0) << "no folder is not an empty folder";
  make_folder();
  EXPECT_TRUE(sees({"a.yaml a=1"}));
  EXPECT_TRUE(readable());
}

TEST_F(FolderTroubleTest, AMissingParentIsAwaitedToo) {
  folder = root / "one" / "two";
  auto eager = options();
  eager.retry = 20ms;
  start(eager);
  ASSERT_TRUE(becomes_unreadable());
  fs::create_directories(folder);
  write(folder / "a.yaml", definition("a", 1));
  EXPECT_TRUE(sees({"a.yaml a=1"}));
}

TEST_F(FolderTroubleTest, AVanishedFolderTakesNothingAway) {
  make_folder();
  for (int i = 0; i < 50; ++i)
    write(folder / ("x" + std::to_string(i) + ".yaml"), definition("x" + std::to_string(i)));
  start();
  ASSERT_TRUE(eventually([&] { return files.size() == 51; }));
  // File by file, with the loop turning: as rm -r does it on a slow disk.
  for (int i = 0; i < 50; ++i) {
    fs::remove(folder / ("x" + std::to_string(i) + ".yaml"));
    loop.poll();
  }
  fs::remove_all(folder);
  ASSERT_TRUE(becomes_unreadable());
  turn_for(200ms);
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(files.size(), 51u);

  make_folder();
  EXPECT_TRUE(sees({"a.yaml a=1"}));
  EXPECT_TRUE(readable());
}

TEST_F(FolderTroubleTest, AFolderThatIsMovedAwayTakesNothingAwayAndIsNoLongerWatched) {
  make_folder();
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  fs::rename(folder, root / "elsewhere");
  ASSERT_TRUE(becomes_unreadable());
  write(root / "elsewhere" / "a.yaml", definition("a", 9));
  turn_for(100ms);
  EXPECT_EQ(changes, 1);
  fs::rename(root / "elsewhere", folder);
  EXPECT_TRUE(sees({"a.yaml a=9"}));
}

TEST_F(FolderTroubleTest, AnEmptyFolderInPlaceOfAFullOneTakesNothingAway) {
  make_folder();
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  fs::remove_all(folder);
  fs::create_directory(folder);  // perhaps with the same inode number, perhaps before anybody has looked
  ASSERT_TRUE(becomes_unreadable());
  turn_for(200ms);
  EXPECT_EQ(changes, 1);
  write(folder / "b.yaml", definition("b", 2));
  EXPECT_TRUE(sees({"b.yaml b=2"}));
  EXPECT_TRUE(readable());
}

TEST_F(FolderTroubleTest, AFileInPlaceOfTheFolderTakesNothingAway) {
  make_folder();
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  fs::remove_all(folder);
  write(folder, "no folder");
  ASSERT_TRUE(becomes_unreadable());
  turn_for(200ms);
  EXPECT_EQ(changes, 1);
}

TEST_F(FolderTroubleTest, AFileThatIsDeletedAndWrittenAgainIsNeverGone) {
  make_folder();
  write(folder / "b.yaml", definition("b", 2));
  start();
  ASSERT_TRUE(sees({"a.yaml a=1", "b.yaml b=2"}));
  fs::remove(folder / "a.yaml");
  write(folder / "c.yaml", definition("c", 3));
  ASSERT_TRUE(sees({"a.yaml a=1", "b.yaml b=2", "c.yaml c=3"}));  // what is new need not wait for the grace
  write(folder / "a.yaml", definition("a", 4));
  EXPECT_TRUE(sees({"a.yaml a=4", "b.yaml b=2", "c.yaml c=3"}));
}

TEST_F(FolderTroubleTest, OnlyRegularFilesAreOpened) {
  make_folder();
  fs::create_directory(folder / "folder.yaml");
  ASSERT_EQ(::mkfifo((folder / "fifo.yaml").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder / "device.yaml");
  fs::create_symlink("loop.yaml", folder / "loop.yaml");
  fs::create_symlink("nowhere", folder / "dangling.yaml");
  start();
  for (const auto* name : {"folder.yaml", "fifo.yaml", "device.yaml", "loop.yaml", "dangling.yaml"}) {
    EXPECT_EQ(trouble_of(name), Reason::kNotReadable) << name;
  }
  EXPECT_EQ(files["a.yaml"]->objects.size(), 1u);
  EXPECT_TRUE(readable());
  // A FIFO that somebody reads would let a writer in.
  const sys::UniqueFd writer{::open((folder / "fifo.yaml").c_str(), O_WRONLY | O_NONBLOCK)};
  EXPECT_FALSE(writer);
}

TEST_F(FolderTroubleTest, AHugeFileIsRefusedWithoutBeingRead) {
  make_folder();
  write(folder / "huge.yaml", "");
  fs::resize_file(folder / "huge.yaml", 100u << 20);
  const auto begin = std::chrono::steady_clock::now();
  start();
  EXPECT_EQ(trouble_of("huge.yaml"), Reason::kTooLarge);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  EXPECT_EQ(files["a.yaml"]->objects.size(), 1u);
}

TEST_F(FolderTroubleTest, AFileThatBecomesHugeIsIncomplete) {
  make_folder();
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  std::ofstream{folder / "a.yaml"} << std::string(5u << 20, '#');
  EXPECT_EQ(trouble_of("a.yaml"), Reason::kTooLarge);
}

TEST_F(FolderTroubleTest, AllFilesTogetherHaveALimit) {
  make_folder();
  write(folder / "b.yaml", definition("b", 2) + '#' + std::string(2000, 'x'));
  write(folder / "c.yaml", definition("c", 3));
  auto small = options();
  small.max_total_bytes = 1000;
  start(small);
  EXPECT_EQ(trouble_of("b.yaml"), Reason::kTooLarge);
  EXPECT_EQ(files["a.yaml"]->objects.size(), 1u);
  EXPECT_EQ(files["c.yaml"]->objects.size(), 1u);
}

TEST_F(FolderTroubleTest, TooManyFilesTakeNothingAway) {
  make_folder();
  auto few = options();
  few.max_files = 3;
  for (const auto* name : {"b", "c"}) write(folder / (std::string{name} + ".yaml"), definition(name));
  start(few);
  ASSERT_TRUE(eventually([&] { return files.size() == 3; }));
  for (const auto* name : {"d", "e", "f"}) write(folder / (std::string{name} + ".yaml"), definition(name));
  ASSERT_TRUE(eventually([&] { return healths.back().reason == Reason::kTooMany; }));
  for (const auto* name : {"a.yaml", "b.yaml", "c.yaml"}) EXPECT_TRUE(files.contains(name));
}

TEST_F(FolderTroubleTest, AFileThatMayNotBeReadIsIncomplete) {
  make_folder();
  fs::permissions(folder / "a.yaml", fs::perms::none);
  const auto found = look_without_privilege();
  ASSERT_TRUE(found.health.readable) << found.health.message;
  ASSERT_EQ(found.files.size(), 1u);
  EXPECT_FALSE(found.files[0]->complete);
  EXPECT_EQ(found.files[0]->problems.at(0).reason, Reason::kNotReadable);
  EXPECT_THAT(found.files[0]->problems.at(0).message, testing::HasSubstr("Permission denied"));
}

TEST_F(FolderTroubleTest, AFolderThatMayNotBeReadTakesNothingAway) {
  make_folder();
  fs::permissions(folder, fs::perms::none);
  const auto found = look_without_privilege();
  fs::permissions(folder, fs::perms::owner_all);
  EXPECT_FALSE(found.health.readable);
}

TEST_F(FolderTroubleTest, BrokenTextIsNamed) {
  make_folder();
  write(folder / "utf8.yaml", "metadata: {name: \"\xff\xfe\"}\n");
  write(folder / "nul.yaml", std::string_view{"a: b\0c", 6});
  write(folder / "bomb.yaml",
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: "
        "[*e,*e,*e,*e,*e,*e,*e,*e,*e]\n");
  start();
  EXPECT_EQ(trouble_of("utf8.yaml"), Reason::kParseError);
  EXPECT_EQ(trouble_of("nul.yaml"), Reason::kParseError);
  EXPECT_EQ(trouble_of("bomb.yaml"), Reason::kTooLarge);
}

TEST_F(FolderTroubleTest, AFileNameThatIsNotUtf8IsShownEscaped) {
  make_folder();
  write(folder / "\xff\xfe.yaml", definition("b", 2));
  start();
  EXPECT_TRUE(sees({"\\xff\\xfe.yaml b=2", "a.yaml a=1"}));
}

TEST_F(FolderTroubleTest, LostEventsLeadToANewLook) {
  make_folder();
  start();
  ASSERT_TRUE(sees({"a.yaml a=1"}));
  int queue = 0;
  std::ifstream{"/proc/sys/fs/inotify/max_queued_events"} >> queue;
  ASSERT_GT(queue, 0);
  ASSERT_LT(queue, 200'000) << "too long to fill in a test";
  const source::Inotify other;  // proves that the events below are too many
  ASSERT_GE(other.watch(folder, 0xfff), 0);
  write(folder / "b.yaml", definition("b", 0));
  for (int i = 0; i <= queue / 2; ++i) {
    for (const auto* name : {"a.yaml", "b.yaml"}) {
      const sys::UniqueFd file{::open((folder / name).c_str(), O_WRONLY | O_CLOEXEC)};
    }
  }
  write(folder / "z.yaml", definition("z", 3));  // its events are lost
  const auto events = other.drain();
  ASSERT_EQ(events.back().watch, -1);
  EXPECT_TRUE(sees({"a.yaml a=1", "b.yaml b=0", "z.yaml z=3"}));
}

}  // namespace
}  // namespace vipra::test
