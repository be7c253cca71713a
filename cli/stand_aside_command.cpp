#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/names.hpp"
#include "cli/query.hpp"
#include "cli/text.hpp"
#include "report/local_client.hpp"

namespace vipra::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kAnswerTimeout = 5s;
// A resignation takes the largest skew and a margin: with the longest interval, some forty seconds.
constexpr auto kHandOverTimeout = 45s;

std::string until_text(std::int64_t unix_ns) {
  return unix_ns == 0 ? std::string{"until that is ended"} : "until " + utc(unix_ns);
}

bool holds(const v1::NodeReport& report, const std::string& virtual_ip) {
  const auto* vip = find_virtual_ip(report, virtual_ip);
  if (vip == nullptr) return false;
  const auto routers = routers_of(report, *vip);
  return std::any_of(routers.begin(), routers.end(), [](const auto* router) {
    return router->state() == wire::STATE_MASTER || router->state() == wire::STATE_RELEASING;
  });
}

// Until this node has nothing of them any more; those that it still has when the time is over.
std::vector<std::string> wait_until_gone(report::LocalClient& client, std::vector<std::string> names) {
  if (names.empty()) return names;
  std::stop_source out_of_patience;
  std::jthread clock{[&out_of_patience](const std::stop_token& done) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock{mutex};
    if (!wake.wait_for(lock, done, kHandOverTimeout, [] { return false; }) && !done.stop_requested())
      out_of_patience.request_stop();
  }};
  (void)client.watch(out_of_patience.get_token(), [&](const v1::NodeReport& report) {
    std::erase_if(names, [&](const auto& name) { return !holds(report, name); });
    return !names.empty();
  });
  return names;
}

}  // namespace

int run_stand_aside(const CommandLine& line) {
  const bool all = line.command == Command::kMaintenance;
  v1::StandAsideRequest request;
  request.set_virtual_ip(line.virtual_ip);
  request.set_end(line.end);
  request.set_for_ns(line.hold.count());
  report::LocalClient client{line.socket};
  const auto reply = client.stand_aside(request, kAnswerTimeout);
  if (!reply) {
    const bool refused = reply.error().code == Errc::kInvalid;
    complain(refused ? reply.error().what : unreachable_text(reply.error()));
    return refused ? kExitNegative : kExitUnreachable;
  }
  if (line.end) {
    print(all ? "Maintenance is over: this node takes part in elections again.\n"
              : line.virtual_ip + ": this node takes part in its elections again.\n");
    return kExitOk;
  }
  const std::vector<std::string> owned{reply->virtual_ips().begin(), reply->virtual_ips().end()};
  const auto left = wait_until_gone(client, owned);
  for (const auto& name : owned) {
    if (std::find(left.begin(), left.end(), name) == left.end())
      print(printable(name) + " is handed over.\n");
  }
  print(all ? "This node is in maintenance " + until_text(reply->until_unix_ns()) + ".\n"
            : "This node stays away from it " + until_text(reply->until_unix_ns()) + ".\n");
  if (left.empty()) return kExitOk;
  complain("still on this node: " + joined(left, ", ") + "; see vipctl explain");
  return kExitNegative;
}

}  // namespace vipra::cli
