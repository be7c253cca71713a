#include "agent/control/control.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "agent/control/after.hpp"
#include "runtime/clock.hpp"

namespace vipra::control {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHostNameLabel = "kubernetes.io/hostname";
// How long the checks wait for the agent to tell what it knows of their last verdicts.
constexpr Duration kResyncPatience = 200ms;
// How long a check that has not decided yet may hold back the full set of contributions.
constexpr Duration kVerdictPatience = 10s;
constexpr Duration kCoalesceContent = 20ms;
constexpr Duration kCoalesceCounters = 1s;
constexpr Duration kFirstReports = 20ms;
constexpr std::size_t kMaxLoggedProblems = 50;  // of one edit

std::uint64_t own_epoch() {
  return static_cast<std::uint64_t>(runtime::unix_now_ns()) ^ static_cast<std::uint64_t>(::getpid());
}

source::FolderOptions folder_options(const Options& options) {
  source::FolderOptions out;
  out.folder = options.definitions;
  return out;
}

metrics::HttpServer::Options http_options(const Settings& settings) {
  metrics::HttpServer::Options out;
  out.listen = settings.listen;
  return out;
}

report::LocalServer::Options report_options(const Options& options) {
  report::LocalServer::Options out;
  out.socket_path = options.vipctl_socket;
  out.shutdown_timeout = 200ms;
  return out;
}

AgentClient::Options agent_options(const Options& options, const std::string& build) {
  AgentClient::Options out;
  out.socket_path = options.agent_socket;
  out.build = build;
  out.epoch = own_epoch();
  return out;
}

}  // namespace

Result<Settings> understand(const Options& options) {
  Settings out;
  out.options = options;
  for (const auto& text : options.labels) {
    auto label = source::parse_label(text);
    if (!label) return fail(Errc::kInvalid, "--label " + label.error().what);
    out.labels.insert_or_assign(std::move(label->first), std::move(label->second));
  }
  auto listen = metrics::parse_listen_address(options.listen);
  if (!listen) return fail(Errc::kInvalid, "--listen: " + listen.error().what);
  out.listen = std::move(*listen);
  return out;
}

Control::Control(boost::asio::io_context& io, Settings settings, const log::Logger& log,
                 std::function<std::uint64_t()> log_lines_dropped)
    : io_{io},
      settings_{std::move(settings)},
      log_{log},
      build_{VIPRA_VERSION},
      started_unix_ns_{runtime::unix_now_ns()},
      log_lines_dropped_{std::move(log_lines_dropped)},
      last_good_file_{settings_.options.state_dir},
      saver_{source::LastGoodFile{settings_.options.state_dir}, log_},
      folder_{io_, folder_options(settings_.options)},
      agent_{io_, agent_options(settings_.options, build_), log_, agent_events()},
      checks_{io_, [this](const auto& state, bool verdict,
                          bool changed) { on_check_run(state, verdict, changed); }},
      http_{io_, http_options(settings_), log_},
      reports_{report_options(settings_.options)},
      publish_timer_{io_},
      checks_timer_{io_},
      contributions_timer_{io_},
      reports_timer_{io_} {
  node_.name = settings_.options.node;
  if (settings_.options.labels_file.empty()) {
    labels_known_ = true;
  } else {
    labels_file_.emplace(io_, settings_.options.labels_file);
  }
}

Control::~Control() = default;

void Control::start() {
  log_.info("control.started", {{"version", build_},
                                {"pid", ::getpid()},
                                {"node", node_.name},
                                {"definitions", settings_.options.definitions},
                                {"agent_socket", settings_.options.agent_socket}});
  load_last_good();
  agent_.start();
  if (labels_file_) {
    labels_file_->start([this](auto change) { on_labels(std::move(change)); },
                        [this](const auto& health) { on_labels_health(health); });
  }
  folder_.start([this](auto change) { on_definitions(std::move(change)); },
                [this](const auto& health) { on_source_health(health); });
  add_pages();
  http_.start();
  after(checks_timer_, kResyncPatience, [this] { open_checks(); });
  // Making a gRPC server takes some milliseconds; the agent comes first.
  after(reports_timer_, kFirstReports, [this] { start_reports(); });
  publish_within(Duration::zero());
}

void Control::stop() {
  if (std::exchange(stopped_, true)) return;
  log_.info("control.stopping", {});
  folder_.stop();
  if (labels_file_) labels_file_->stop();
  agent_.stop();
  checks_.stop();
  http_.stop();
  reports_.stop();
  for (auto* timer : {&publish_timer_, &checks_timer_, &contributions_timer_, &reports_timer_})
    timer->cancel();
}

AgentClient::Events Control::agent_events() {
  return {[this] { publish_within(Duration::zero()); },
          [this] {
            view_.on_disconnected();
            publish_within(Duration::zero());
          },
          [this](const channel::v1::AgentMessage& message) {
            switch (view_.apply(message)) {
              case AgentView::Change::kNothing:
                break;
              case AgentView::Change::kCounters:
                publish_within(kCoalesceCounters);
                break;
              case AgentView::Change::kContent:
                publish_within(kCoalesceContent);
                break;
              case AgentView::Change::kState:
                publish_within(Duration::zero());
                break;
            }
            if (view_.resynced()) open_checks();
          }};
}

// ---- sources
// ------------------------------------------------------------------------------------------------

void Control::load_last_good() {
  auto content = last_good_file_.load();
  if (!content) {
    if (content.error().code != Errc::kNotFound) {
      log_.warning("state.not_loaded", {{"error", content.error().what}});
    }
    return;
  }
  last_good_loaded_ = true;
  definitions_.seed(content->objects);
  file_labels_ = std::move(content->labels);
  node_.peers = std::move(content->peers);
}

void Control::on_definitions(source::Change<definitions::InputFilePtr> change) {
  const auto* files = std::get_if<source::Replaced<definitions::InputFilePtr>>(&change);
  if (files == nullptr) return;  // a folder always tells the whole truth
  definitions_.replace(files->all);
  definitions_known_ = true;
  log_problems();
  save_last_good();
  replan();
}

void Control::on_source_health(const source::Health& health) {
  if (health.readable) {
    last_read_.reset();
    if (!source_health_.readable)
      log_.info("definitions.readable", {{"folder", settings_.options.definitions}});
  } else {
    if (source_health_.readable) last_read_ = runtime::now().mono;
    log_.warning("definitions.unreadable",
                 {{"folder", settings_.options.definitions},
                  {"reason", to_string(health.reason)},
                  {"detail", health.message},
                  {"consequence", definitions_known_ || last_good_loaded_
                                      ? "the last good definitions are served"
                                      : "nothing is known yet: the agent is told nothing"}});
    definitions_known_ = definitions_known_ || last_good_loaded_;
  }
  source_health_ = health;
  replan();
  publish_within(Duration::zero());
}

void Control::on_labels(source::Change<source::Labels> change) {
  auto* labels = std::get_if<source::Replaced<source::Labels>>(&change);
  if (labels == nullptr || labels->all.empty()) return;
  file_labels_ = std::move(labels->all.front());
  labels_known_ = true;
  log_.info("labels.loaded", {{"file", settings_.options.labels_file}, {"labels", file_labels_.size()}});
  save_last_good();
  replan();
}

void Control::on_labels_health(const source::Health& health) {
  if (health.readable) return;
  log_.warning("labels.unreadable", {{"file", settings_.options.labels_file},
                                     {"reason", to_string(health.reason)},
                                     {"detail", health.message},
                                     {"consequence", labels_known_ || last_good_loaded_
                                                         ? "the last good labels are used"
                                                         : "only the labels of the flags are used"}});
  labels_known_ = true;
  replan();
}

void Control::log_problems() {
  const auto& problems = definitions_.problems();
  std::size_t fresh = 0;
  for (const auto& problem : problems) {
    if (std::find(logged_problems_.begin(), logged_problems_.end(), problem) != logged_problems_.end())
      continue;
    if (++fresh > kMaxLoggedProblems) continue;
    log_.warning("definition.refused", {{"origin", problem.origin},
                                        {"virtual_ip", problem.object},
                                        {"path", problem.path},
                                        {"reason", to_string(problem.reason)},
                                        {"detail", problem.message}});
  }
  if (fresh > kMaxLoggedProblems) {
    log_.warning("definition.refused", {{"detail", "and more"}, {"more", fresh - kMaxLoggedProblems}});
  }
  logged_problems_ = problems;
}

void Control::save_last_good() {
  if (definitions_known_ && labels_known_) saver_.save({definitions_.accepted(), file_labels_, node_.peers});
}

void Control::replan() {
  if (!definitions_known_ || !labels_known_ || stopped_) return;
  node_.labels = file_labels_;
  for (const auto& [key, value] : settings_.labels) node_.labels.insert_or_assign(key, value);
  node_.labels.insert_or_assign(kHostNameLabel, node_.name);
  const auto generation = plan_.state.generation;
  auto next = plan::build(definitions_.specs(), node_, generation + 1);
  const bool changed = generation == 0 || !plan::same_content(next.state, plan_.state);
  if (!changed) next.state.generation = generation;
  plan_ = std::move(next);
  if (changed) {
    log_.info("plan.built", {{"generation", plan_.state.generation},
                             {"definitions", definitions_.specs().size()},
                             {"routers", plan_.state.routers.size()},
                             {"not_served_here", plan_.refusals.size()}});
    agent_.set_desired(std::make_shared<const plan::DesiredState>(plan_.state));
  }
  apply_checks();
  publish_within(kCoalesceContent);
}

// ---- checks
// -------------------------------------------------------------------------------------------------

void Control::open_checks() {
  if (stopped_ || std::exchange(checks_open_, true)) return;
  apply_checks();
}

void Control::apply_checks() {
  if (!checks_open_ || plan_.state.generation == 0) return;
  std::vector<checks::Watched> watched;
  for (const auto& spec : definitions_.specs()) {
    if (spec.checks.empty()) continue;
    auto routers = plan::routers_of(plan_.state, spec.name);
    if (!routers.empty()) watched.push_back({spec.name, spec.checks, std::move(routers)});
  }
  if (std::exchange(checks_applied_, true)) {
    checks_.apply(watched);
  } else {
    checks_.apply(watched,
                  [this](auto virtual_ip, auto check) { return verdict_of_last_life(virtual_ip, check); });
    contributions_open_ = view_.resynced();
    after(contributions_timer_, kVerdictPatience, [this] {
      contributions_open_ = !stopped_;
      offer_contributions();
    });
  }
  offer_contributions();
}

// A router that was running before this process started tells what its checks said then.
std::optional<bool> Control::verdict_of_last_life(std::string_view virtual_ip, std::string_view check) const {
  const auto source = checks::contribution_source(check);
  for (const auto& router : plan::routers_of(plan_.state, plan::VirtualIpName{virtual_ip})) {
    const auto found = view_.routers().find(router);
    if (found == view_.routers().end()) continue;
    const auto& snapshot = found->second;
    const auto& parts = snapshot.contributions();
    if (std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return part.source() == source; }))
      return false;
    if (snapshot.since_unix_ns() > 0 && snapshot.since_unix_ns() < started_unix_ns_) return true;
  }
  return std::nullopt;
}

void Control::on_check_run(const checks::CheckState& state, bool verdict_changed, bool changed) {
  if (verdict_changed) {
    log_.write(state.passing ? log::Level::kInfo : log::Level::kWarning,
               state.passing ? "check.passing" : "check.failing",
               {{"virtual_ip", state.virtual_ip},
                {"check", state.name},
                {"kind", state.kind},
                {"reason", to_string(state.reason)},
                {"detail", state.detail}});
  }
  if (!changed) return;
  offer_contributions();
  publish_within(verdict_changed ? Duration::zero() : kCoalesceContent);
}

void Control::offer_contributions() {
  if (!contributions_open_) {
    const auto states = checks_.states();
    contributions_open_ =
        checks_applied_ && std::all_of(states.begin(), states.end(), [](const auto& s) { return s.decided; });
  }
  if (contributions_open_) agent_.set_contributions(checks_.contributions());
}

}  // namespace vipra::control
