#include "source/last_good.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "tests/source/temporary_folder.hpp"

namespace vipra::source {
namespace {

using nlohmann::json;

std::string read(const test::fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

LastGood example() {
  return {{{json{{"kind", "VirtualIP"}, {"spec", {{"n", 5}}}}, "web.yaml", "web.yaml:2"}},
          {{"zone", "a"}},
          {{"node-b", {IpAddress::v4(192, 0, 2, 2), *IpAddress::parse("2001:db8::2")}, 3, {{"zone", "b"}}}},
          {{"web", 1'800'000'000'000'000'000}, {"", 0}}};
}

struct LastGoodTest : testing::Test {
  test::TemporaryFolder root;
  test::fs::path path = root / "last-good";
};

TEST_F(LastGoodTest, GivesBackWhatWasSaved) {
  ASSERT_TRUE(LastGoodFile{root.path()}.save(example()));
  const auto loaded = LastGoodFile{root.path()}.load();
  ASSERT_TRUE(loaded) << loaded.error().what;
  ASSERT_EQ(loaded->objects.size(), 1u);
  EXPECT_EQ(loaded->objects[0].json, example().objects[0].json);
  EXPECT_EQ(loaded->objects[0].file, "web.yaml");
  EXPECT_EQ(loaded->objects[0].origin, "web.yaml:2");
  EXPECT_EQ(loaded->labels, example().labels);
  EXPECT_EQ(loaded->peers, example().peers);
  EXPECT_EQ(loaded->wishes, example().wishes);
}

TEST_F(LastGoodTest, SaysWhenThereIsNothing) {
  const auto loaded = LastGoodFile{root.path()}.load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::kNotFound);
}

TEST_F(LastGoodTest, RefusesEveryDamage) {
  ASSERT_TRUE(LastGoodFile{root.path()}.save(example()));
  const auto good = read(path);
  ASSERT_GT(good.size(), 100u);
  const auto refused = [&](const std::string& text) {
    test::write(path, text);
    const auto loaded = LastGoodFile{root.path()}.load();
    return !loaded && loaded.error().code == Errc::kInvalid;
  };
  for (std::size_t i = 0; i < good.size(); i += i < 110 ? 1 : 7) {  // the whole header, samples of the rest
    auto flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_TRUE(refused(flipped)) << "bit of byte " << i;
    EXPECT_TRUE(refused(good.substr(0, i))) << "cut at " << i;
  }
  EXPECT_TRUE(refused(good + ' '));
  EXPECT_FALSE(refused(good));
}

TEST_F(LastGoodTest, NamesAnotherVersion) {
  ASSERT_TRUE(LastGoodFile{root.path()}.save(example()));
  auto text = read(path);
  text.replace(text.find(" 1 "), 3, " 2 ");
  test::write(path, text);
  const auto loaded = LastGoodFile{root.path()}.load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what, testing::HasSubstr("version"));
}

ino_t inode(const test::fs::path& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

TEST_F(LastGoodTest, WritesOnlyWhatHasChanged) {
  LastGoodFile file{root.path()};
  ASSERT_TRUE(file.save(example()));
  test::fs::create_hard_link(path, root / "first");  // keeps the inode number from being used again
  ASSERT_TRUE(file.save(example()));
  EXPECT_EQ(inode(path), inode(root / "first"));
  auto other = example();
  other.labels["zone"] = "b";
  ASSERT_TRUE(file.save(other));
  EXPECT_NE(inode(path), inode(root / "first"));

  LastGoodFile later{root.path()};
  ASSERT_TRUE(later.load());
  test::fs::create_hard_link(path, root / "second");
  ASSERT_TRUE(later.save(other));
  EXPECT_EQ(inode(path), inode(root / "second"));
}

TEST_F(LastGoodTest, LeavesTheOldContentWhenItCannotWrite) {
  LastGoodFile file{root.path()};
  ASSERT_TRUE(file.save(example()));
  const auto before = read(path);
  test::fs::create_directory(root / ".last-good.new");  // in the way of the temporary file
  auto other = example();
  other.labels.clear();
  EXPECT_FALSE(file.save(other));
  EXPECT_EQ(read(path), before);
  test::fs::remove(root / ".last-good.new");
  EXPECT_TRUE(file.save(other)) << "a failure must not count as saved";
  EXPECT_NE(read(path), before);
}

TEST_F(LastGoodTest, ReportsAFolderThatIsNotThere) {
  LastGoodFile file{root / "missing"};
  const auto saved = file.save(example());
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().sys_errno, ENOENT);
}

}  // namespace
}  // namespace vipra::source
