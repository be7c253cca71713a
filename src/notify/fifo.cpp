#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "notify/sink.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::notify {
namespace {

class Fifo final : public Sink {
 public:
  Fifo(std::string path, const log::Logger& log) : Sink{"fifo"}, path_{std::move(path)}, log_{log} {
    (void)open();
  }

  void tell(const Transition&, const std::string& line) override {
    if (const auto why = open(); !why.empty()) return dropped(log_, path_, why);
    if (::write(fd_.get(), line.data(), line.size()) < 0) {
      const int error = errno;
      if (error != EAGAIN) fd_ = {};
      return dropped(log_, path_, error == EAGAIN ? "nobody reads it, and it is full" : std::strerror(error));
    }
    works();
    told();
  }

 private:
  // Empty, or why not. Somebody may have replaced it since it was opened.
  std::string open() {
    struct stat there{};
    const bool found = ::lstat(path_.c_str(), &there) == 0;
    if (found && fd_ && there.st_ino == inode_ && there.st_dev == device_) return {};
    fd_ = {};
    if (!found && ::mkfifo(path_.c_str(), 0640) != 0) return std::string{"make it: "} + std::strerror(errno);
    // For reading too: so it opens without a reader, and keeps what is in it while there is none.
    sys::UniqueFd fd{::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)};
    if (!fd) return std::string{"open it: "} + std::strerror(errno);
    if (::fstat(fd.get(), &there) != 0 || !S_ISFIFO(there.st_mode)) return "it is not a FIFO";
    inode_ = there.st_ino;
    device_ = there.st_dev;
    fd_ = std::move(fd);
    return {};
  }

  const std::string path_;
  const log::Logger& log_;
  sys::UniqueFd fd_;
  ino_t inode_ = 0;
  dev_t device_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_fifo(std::string path, const log::Logger& log) {
  return std::make_unique<Fifo>(std::move(path), log);
}

}  // namespace vipra::notify
