#include "tests/cluster/status_watch.hpp"

#include <fstream>

#include "lab/kube/files.hpp"

namespace vipra::lab::kube {

using std::chrono::milliseconds;

StatusWatch::StatusWatch(Cluster& cluster)
    : file_{cluster.lab().directory() / ("watch-" + random_token().substr(0, 8))} {
  auto started = cluster.lab().spawner().execute(
      cluster.control_plane().net(),
      {cluster.binaries().program("kubectl"), "--kubeconfig=" + cluster.api().kubeconfig().string(), "get",
       "virtualips", "--watch", "-o", R"(jsonpath={.metadata.name} {.status}{"\n"})"},
      {"PATH=/usr/bin:/bin", "HOME=" + cluster.api().directory().string()}, file_);
  if (started) kubectl_ = std::move(*started);
  thread_ = std::thread{[this] { follow(stop_); }};
}

StatusWatch::~StatusWatch() {
  stop_ = true;
  thread_.join();
}

void StatusWatch::follow(const std::atomic<bool>& stop) {
  std::ifstream in;
  std::string rest;
  while (!stop) {
    if (!in.is_open()) in.open(file_);
    in.clear();
    for (char c = 0; in.get(c);) {
      if (c != '\n') {
        rest += c;
        continue;
      }
      const auto space = rest.find(' ');
      auto status = space == std::string::npos
                        ? nlohmann::json{}
                        : nlohmann::json::parse(rest.substr(space + 1), nullptr, false);
      if (status.is_discarded()) status = nlohmann::json::object();
      const std::lock_guard lock{mutex_};
      seen_.push_back({now(), rest.substr(0, space), std::move(status)});
      rest.clear();
    }
    std::this_thread::sleep_for(milliseconds{2});
  }
}

std::vector<SeenStatus> StatusWatch::seen() const {
  const std::lock_guard lock{mutex_};
  return seen_;
}

Result<TimePoint> StatusWatch::wait_for(const std::string& name, TimePoint since, const Matches& matches,
                                        Duration within) const {
  std::optional<TimePoint> found;
  const bool done = wait_until(
      [&] {
        const std::lock_guard lock{mutex_};
        for (const auto& one : seen_)
          if (!found && one.at >= since && one.name == name && matches(one.status)) found = one.at;
        return found.has_value();
      },
      within);
  if (done) return *found;
  std::string words = "not within " + std::to_string(to_ms(within)) + " ms; seen:";
  for (const auto& one : seen())
    if (one.name == name)
      words += "\n  " + std::to_string(to_ms(one.at - since)) + " ms: " + one.status.dump();
  return fail(Errc::kTimeout, words);
}

StatusWatch::Matches owned_by(std::string node) {
  return [node = std::move(node)](const nlohmann::json& status) {
    return status.is_object() && status.value("owner", "") == node && status.value("state", "") == "Owned";
  };
}

}  // namespace vipra::lab::kube
