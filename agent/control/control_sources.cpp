// Where control's definitions and the facts of its node come from, and what they make of its plan.
#include <algorithm>
#include <utility>
#include <variant>

#include "agent/control/after.hpp"
#include "agent/control/control.hpp"
#include "runtime/clock.hpp"

namespace vipra::control {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHostNameLabel = "kubernetes.io/hostname";
constexpr std::size_t kMaxLoggedProblems = 50;  // of one edit
constexpr Duration kCoalescePlan = 20ms;
// How long a source that says nothing at all holds back what is known from an earlier run.
constexpr Duration kSourcePatience = 2s;

}  // namespace

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
  files_.seed(content->objects);
  node_labels_ = std::move(content->labels);
  node_.peers = std::move(content->peers);
  wishes_ = Wishes{std::move(content->wishes)};
  watch_wishes();
}

void Control::start_sources() {
  if (labels_file_) {
    labels_file_->start([this](auto change) { on_labels(std::move(change)); },
                        [this](const auto& health) { on_labels_health(health); });
  }
  if (folder_) {
    folder_->start(
        [this](source::Change<definitions::InputFilePtr> change) {
          auto* files = std::get_if<source::Replaced<definitions::InputFilePtr>>(&change);
          if (files == nullptr) return;  // a folder always tells the whole truth
          files_.set_folder(std::move(files->all));
          // Alone it is not everything: what the cluster has would be taken from an agent that goes on.
          on_definitions(files_.cluster_read() || last_good_loaded_);
        },
        [this](const source::Health& health) { on_folder_health(health); });
  }
  if (!cluster_) return;
  cluster_->start();
  after(sources_timer_, kSourcePatience, [this] {
    if (stopped_ || !has_another_source()) return;
    definitions_known_ = labels_known_ = true;
    replan();
  });
}

Cluster::Events Control::cluster_events() {
  Cluster::Events out;
  out.definitions = [this](definitions::InputFilePtr file) {
    files_.set_cluster(std::move(file));
    on_definitions(true);
  };
  out.definitions_health = [this](const source::Health& health) { on_source_health(health); };
  out.nodes = [this](NodesView nodes) { on_nodes(std::move(nodes)); };
  out.nodes_health = [this](const source::Health& health) { on_nodes_health(health); };
  out.services = [this](checks::ServiceBoard::Counts counts) { checks_.set_services(std::move(counts)); };
  return out;
}

void Control::on_definitions(bool known) {
  definitions_.replace(files_.all());
  definitions_known_ = definitions_known_ || known;
  log_problems();
  save_last_good();
  replan();
}

void Control::on_folder_health(const source::Health& health) {
  if (!health.readable) {
    log_.warning("definitions.unreadable",
                 {{"folder", settings_.options.definitions},
                  {"reason", to_string(health.reason)},
                  {"detail", health.message},
                  {"consequence", definitions_known_ || last_good_loaded_
                                      ? "the last good definitions are served"
                                      : "nothing is known yet: the agent is told nothing"}});
  } else if (!source_health_.readable) {
    log_.info("definitions.readable", {{"folder", settings_.options.definitions}});
  }
  // Where there is a cluster, the folder is the lesser source.
  if (!cluster_) return on_source_health(health);
  definitions_known_ = definitions_known_ || last_good_loaded_;
  replan();
}

void Control::on_source_health(const source::Health& health) {
  if (health.readable) {
    last_read_.reset();
  } else {
    if (source_health_.readable) last_read_ = runtime::now().mono;
    definitions_known_ = definitions_known_ || last_good_loaded_;
  }
  source_health_ = health;
  replan();
  publish_within(Duration::zero());
}

void Control::on_nodes(NodesView nodes) {
  // A node that is not registered yet has the labels of its flags, or those it had in an earlier run.
  if (nodes.labels) node_labels_ = std::move(*nodes.labels);
  node_.peers = std::move(nodes.peers);
  labels_known_ = true;
  save_last_good();
  replan();
}

// Whether there is something to serve though the API server tells nothing: an earlier run's, or the folder's.
bool Control::has_another_source() const {
  return last_good_loaded_ || (folder_ && files_.folder_read());
}

// Without labels of any kind nothing is planned: an agent that goes on would lose what selects its node.
void Control::on_nodes_health(const source::Health& health) {
  if (health.readable || !has_another_source()) return;
  labels_known_ = true;
  replan();
}

void Control::on_labels(source::Change<source::Labels> change) {
  auto* labels = std::get_if<source::Replaced<source::Labels>>(&change);
  if (labels == nullptr || labels->all.empty()) return;
  node_labels_ = std::move(labels->all.front());
  labels_known_ = true;
  log_.info("labels.loaded", {{"file", settings_.options.labels_file}, {"labels", node_labels_.size()}});
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
  if (definitions_known_ && labels_known_)
    saver_.save({definitions_.accepted(), node_labels_, node_.peers, wishes_.all()});
}

void Control::replan() {
  if (!definitions_known_ || !labels_known_ || stopped_) return;
  node_.labels = node_labels_;
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
  publish_within(kCoalescePlan);
}

}  // namespace vipra::control
