#include "kube/token.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace vipra::kube {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLookEvery = 1s;
constexpr std::size_t kMaxToken = 64u << 10;

}  // namespace

Result<std::string> Token::get(TimePoint now) {
  if (material_.empty()) return std::string{};
  if (look_again_ && now < *look_again_) return token_;
  const auto done = read();
  if (!done && token_.empty()) return tl::unexpected{done.error()};
  look_again_ = now + kLookEvery;
  return token_;
}

Status Token::read() {
  Stamp stamp;
  if (!material_.file.empty()) {
    struct stat info{};
    if (::stat(material_.file.c_str(), &info) != 0)
      return fail(Errc::kNotFound, "there is no " + material_.file);
    stamp = {info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    if (!token_.empty() && look_again_ && stamp == stamp_) return {};
  }
  auto text = material_.read();
  if (!text) return tl::unexpected{std::move(text.error())};
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' '))
    text->pop_back();
  const bool sane = !text->empty() && text->size() <= kMaxToken &&
                    std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!sane) return fail(Errc::kInvalid, "the token is empty, or no token");
  token_ = std::move(*text);
  stamp_ = stamp;
  return {};
}

}  // namespace vipra::kube
