#include "controller/status_writer.hpp"

#include <algorithm>
#include <utility>

#include "controller/event_body.hpp"
#include "kube/kubernetes_source.hpp"
#include "kube_core/json_access.hpp"
#include "runtime/clock.hpp"

namespace vipra::controller {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWriteLimit = 3s;
constexpr Duration kHeldBack = 250ms;  // until the Lease is looked at again: soon after it was renewed
constexpr std::size_t kMostEventsUnderWay = 16;  // more are dropped: they are for people

std::string version_of(const std::string& body) {
  const auto object = kube::parse_json(body);
  if (!object) return {};
  return kube::text(kube::member(*object, "metadata"), "resourceVersion");
}

}  // namespace

StatusWriter::StatusWriter(boost::asio::io_context& io, kube::Client& client,
                           const kube::LeaseElection& lease, std::string identity, const log::Logger& log)
    : client_{client}, lease_{lease}, identity_{std::move(identity)}, log_{log}, timer_{io} {}

void StatusWriter::begin(const std::vector<cluster::Object>& objects) {
  ++term_;
  leading_ = true;
  schedule_ = cluster::WriteSchedule{};
  for (const auto& object : objects) observed(object);
}

void StatusWriter::end() {
  ++term_;
  leading_ = false;
  timer_.cancel();
}

void StatusWriter::observed(const cluster::Object& object) {
  if (!leading_) return;
  schedule_.observed(object.uid, object.name, object.resource_version, object.status, runtime::now().mono);
  pump();
}

void StatusWriter::gone(const std::string& uid) {
  if (leading_) schedule_.gone(uid);
}

void StatusWriter::wanted(const std::vector<cluster::Decision>& decisions) {
  if (!leading_) return;
  const auto now = runtime::now().mono;
  for (const auto& decision : decisions) schedule_.wanted(decision.uid, decision.status, now, chance());
  pump();
}

void StatusWriter::pump() {
  if (!leading_) return;
  const auto now = runtime::now().mono;
  for (const auto& due : schedule_.due(now)) write(due);
  const auto next = schedule_.deadline();
  if (!next) return;
  timer_.expires_after(std::max(*next - runtime::now().mono, Duration{1ms}));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) pump();
  });
}

void StatusWriter::write(const cluster::Write& write) {
  // Asked right before the write: this process may have stood still since it became the leader.
  if (!lease_.may_write(kWriteLimit)) {
    ++counters_.held_back;
    schedule_.postponed(write.uid, kHeldBack, runtime::now().mono);
    return;
  }
  kube::ApplyOptions apply;
  apply.field_manager = kFieldManager;
  apply.subresource = "status";
  kube::CallOptions limits;
  limits.deadline = kWriteLimit;
  client_.apply(
      kube::virtual_ips(), write.name, apply,
      cluster::apply_body(write.name, write.uid, write.resource_version, write.status),
      [this, term = term_, uid = write.uid, name = write.name](const kube::Answer& answer) {
        if (term == term_) on_answer(uid, name, answer);
      },
      limits);
}

void StatusWriter::on_answer(const std::string& uid, const std::string& name, const kube::Answer& answer) {
  const auto now = runtime::now().mono;
  if (answer.ok()) {
    ++counters_.written;
    schedule_.written(uid, version_of(answer.body), now);
  } else if (answer.status == 409) {
    ++counters_.conflicts;
    schedule_.conflicted(uid, now, chance());
  } else {
    ++counters_.failed;
    schedule_.failed(uid, answer.retry_after.value_or(Duration{}), now, chance());
    // 404: it was deleted meanwhile, and the watch will say so.
    if (answer.status != 404) {
      log_.warning("status.not_written", {{"virtual_ip", name}, {"error", answer.message}});
    }
  }
  pump();
}

void StatusWriter::say(const std::vector<cluster::Event>& events) {
  for (const auto& event : events) {
    log_.write(event.warning ? log::Level::kWarning : log::Level::kInfo, "virtualip.event",
               {{"virtual_ip", event.object},
                {"reason", to_string(event.reason)},
                {"detail", event.message},
                {"leading", leading_}});
    if (!leading_ || !lease_.may_write(kWriteLimit)) continue;
    if (events_under_way_ >= kMostEventsUnderWay) {
      ++counters_.events_failed;
      continue;
    }
    ++events_under_way_;
    auto body = event_body(event, identity_, runtime::unix_now_ns());
    kube::CallOptions limits;
    limits.deadline = kWriteLimit;
    client_.create(
        {"events.k8s.io", "v1", "events", kEventNamespace}, std::move(body.json),
        [this, name = event.object](const kube::Answer& answer) {
          --events_under_way_;
          // A 409 is our own first try.
          if (answer.ok() || answer.status == 409) {
            ++counters_.events;
          } else {
            ++counters_.events_failed;
            log_.warning("event.not_written", {{"virtual_ip", name}, {"error", answer.message}});
          }
        },
        limits);
  }
}

}  // namespace vipra::controller
