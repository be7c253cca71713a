#include "lab/kube/daemon.hpp"

#include <signal.h>
#include <unistd.h>

#include "lab/kube/files.hpp"

namespace vipra::lab::kube {
namespace {

// Nothing of the caller's environment: a proxy or a kubeconfig of the user has no business here.
std::vector<std::string> environment_of(const Place& place) {
  return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "HOME=" + place.directory.string(), "VIPRA_LAB=" + place.lab_id};
}

}  // namespace

Daemon::Daemon(const Place& place, std::string name, std::vector<std::string> argv)
    : place_{place}, name_{std::move(name)}, argv_{std::move(argv)} {}

Status Daemon::start() {
  if (child_.running()) return fail(Errc::kConflict, name_ + " runs already");
  auto child = place_.spawner.execute(place_.net, argv_, environment_of(place_), log_path());
  if (!child) return tl::unexpected{child.error()};
  child_ = std::move(*child);
  return {};
}

void Daemon::stop(Duration within) {
  if (!child_.running()) return;
  child_.signal(SIGTERM);
  child_.signal(SIGCONT);
  if (!child_.wait(within)) child_.kill_and_reap();
}

void Daemon::kill() {
  child_.kill_and_reap();
}

std::string Daemon::last_words() const {
  return name_ + ": " + end_of_file(log_path());
}

}  // namespace vipra::lab::kube
