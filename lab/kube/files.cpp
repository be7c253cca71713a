#include "lab/kube/files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/check.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab::kube {

namespace fs = std::filesystem;

Status write_file(const fs::path& path, std::string_view text, mode_t mode) {
  const fs::path next = path.string() + ".new";
  const UniqueFd file{::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
  if (!file || ::fchmod(file.get(), mode) < 0) return fail_errno("make " + next.string(), errno);
  while (!text.empty()) {
    const ssize_t n = ::write(file.get(), text.data(), text.size());
    if (n < 0) return fail_errno("write " + next.string(), errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  std::error_code error;
  fs::rename(next, path, error);
  if (error) return fail_errno("rename to " + path.string(), error.value());
  return {};
}

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail_errno("make " + path.string(), error.value());
  return {};
}

std::string read_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

std::string end_of_file(const fs::path& path, std::size_t bytes) {
  auto text = read_file(path);
  if (text.size() > bytes) text.erase(0, text.size() - bytes);
  return text;
}

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  VIPRA_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xfU];
  }
  return text;
}

}  // namespace vipra::lab::kube
