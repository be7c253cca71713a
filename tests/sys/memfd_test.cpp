#include "sys/memfd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace vipra::sys {
namespace {

std::vector<std::uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

TEST(SealedMemfd, holds_what_it_was_made_of) {
  const auto content = bytes_of("the whole of it");
  const auto fd = make_sealed_memfd("test", content);
  ASSERT_TRUE(fd);
  const auto view = SealedView::map(fd->get(), content.size(), 1024);
  ASSERT_TRUE(view);
  EXPECT_TRUE(std::ranges::equal(view->bytes(), content));
}

TEST(SealedMemfd, cannot_be_changed_by_whoever_holds_the_descriptor) {
  const auto fd = make_sealed_memfd("test", bytes_of("abc"));
  ASSERT_TRUE(fd);
  EXPECT_EQ(::pwrite(fd->get(), "x", 1, 0), -1);
  EXPECT_EQ(::ftruncate(fd->get(), 0), -1);
  EXPECT_EQ(::ftruncate(fd->get(), 100), -1);
  EXPECT_EQ(::mmap(nullptr, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0), MAP_FAILED);
}

TEST(SealedMemfd, is_not_inherited_over_exec) {
  const auto fd = make_sealed_memfd("test", {});
  ASSERT_TRUE(fd);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(SealedView, of_nothing_is_empty) {
  const auto fd = make_sealed_memfd("test", {});
  ASSERT_TRUE(fd);
  const auto view = SealedView::map(fd->get(), 0, 0);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->bytes().empty());
}

TEST(SealedView, refuses_what_its_sender_could_still_change) {
  const UniqueFd unsealed{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  ASSERT_EQ(::write(unsealed.get(), "abc", 3), 3);
  EXPECT_FALSE(SealedView::map(unsealed.get(), 3, 1024));
  ASSERT_EQ(::fcntl(unsealed.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_FALSE(SealedView::map(unsealed.get(), 3, 1024)) << "still writable";
}

TEST(SealedView, refuses_what_is_no_memory_file) {
  const UniqueFd file{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  EXPECT_FALSE(SealedView::map(file.get(), 3, 1024));
  EXPECT_FALSE(SealedView::map(-1, 3, 1024));
}

TEST(SealedView, refuses_another_size_than_announced_and_more_than_the_limit) {
  const auto fd = make_sealed_memfd("test", bytes_of("abcdef"));
  ASSERT_TRUE(fd);
  EXPECT_FALSE(SealedView::map(fd->get(), 5, 1024));
  EXPECT_FALSE(SealedView::map(fd->get(), 7, 1024));
  EXPECT_FALSE(SealedView::map(fd->get(), 6, 5));
  EXPECT_TRUE(SealedView::map(fd->get(), 6, 6));
}

TEST(SealedView, moves_without_losing_or_doubling_its_mapping) {
  const auto fd = make_sealed_memfd("test", bytes_of("abc"));
  auto first = SealedView::map(fd->get(), 3, 3);
  ASSERT_TRUE(first);
  SealedView second = std::move(*first);
  EXPECT_EQ(second.bytes()[1], 'b');
  auto third = SealedView::map(fd->get(), 3, 3);
  ASSERT_TRUE(third);
  second = std::move(*third);
  EXPECT_EQ(second.bytes()[2], 'c');
}

}  // namespace
}  // namespace vipra::sys
