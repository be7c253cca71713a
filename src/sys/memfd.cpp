#include "sys/memfd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

namespace vipra::sys {
namespace {
constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
}  // namespace

Result<UniqueFd> make_sealed_memfd(const char* name, std::span<const std::uint8_t> content) {
  UniqueFd fd{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) return fail_errno("cannot create a memory file", errno);
  for (auto rest = content; !rest.empty();) {
    const auto written = ::write(fd.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail_errno("cannot fill a memory file", errno);
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0) return fail_errno("cannot seal a memory file", errno);
  return fd;
}

Result<SealedView> SealedView::map(int fd, std::uint64_t size, std::uint64_t limit) {
  if (size > limit) return fail(Errc::kInvalid, "a memory file is larger than its limit");
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) {
    return fail(Errc::kInvalid, "a descriptor is not a sealed memory file");
  }
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail_errno("cannot stat a memory file", errno);
  if (static_cast<std::uint64_t>(info.st_size) != size) {
    return fail(Errc::kInvalid, "a memory file has another size than announced");
  }
  if (size == 0) return SealedView{nullptr, 0};
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) return fail_errno("cannot map a memory file", errno);
  return SealedView{static_cast<const std::uint8_t*>(at), size};
}

SealedView::SealedView(SealedView&& other) noexcept
    : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}

SealedView& SealedView::operator=(SealedView&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SealedView::~SealedView() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace vipra::sys
