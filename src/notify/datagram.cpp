#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "notify/sink.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::notify {
namespace {

class Datagram final : public Sink {
 public:
  Datagram(std::string path, const log::Logger& log)
      : Sink{"socket"},
        path_{std::move(path)},
        log_{log},
        fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {}

  void tell(const Transition&, const std::string& line) override {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path_.size() >= sizeof to.sun_path) return dropped(log_, path_, "the path is too long");
    std::memcpy(to.sun_path, path_.data(), path_.size());
    if (::sendto(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to) < 0) {
      return dropped(log_, path_, errno == EAGAIN ? "its owner does not read" : std::strerror(errno));
    }
    works();
    told();
  }

 private:
  const std::string path_;
  const log::Logger& log_;
  sys::UniqueFd fd_;
};

}  // namespace

std::unique_ptr<Sink> make_datagram(std::string path, const log::Logger& log) {
  return std::make_unique<Datagram>(std::move(path), log);
}

}  // namespace vipra::notify
