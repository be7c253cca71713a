#include <csignal>
#include <map>

#include "bench/scenarios.hpp"
#include "lab/lab.hpp"

namespace vipra::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace vipra::lab;

constexpr Duration kPatience = seconds{15};
constexpr milliseconds kInterval{100};

// Two nodes and a client that asks every millisecond.
class Stage {
 public:
  Stage(std::filesystem::path agent, std::string preemption) : agent_{std::move(agent)} {
    definition_.priorities = {{"node-a", 200}, {"node-b", 100}};
    definition_.preemption = std::move(preemption);
  }

  Status open(bool with_definition = true) {
    auto made = Lab::make({.nodes = 2});
    if (!made) return tl::unexpected{made.error()};
    lab_ = std::move(*made);
    if (with_definition) {
      if (auto done = write_definition(); !done) return done;
    }
    for (const auto* name : {"node-a", "node-b"}) {
      if (auto done = start(name); !done) return done;
    }
    return {};
  }
  Status start(const char* name) {
    log_before_[name] = node(name).log_text().size();
    return node(name).start_agent(options());
  }
  Status write_definition() { return lab_->write_definition("web.yaml", definition_.yaml()); }
  AgentOptions options() const { return {.binary = agent_}; }
  Lab& lab() { return *lab_; }
  Node& node(const char* name) { return lab_->node(name); }
  const IpAddress& vip() const { return vip_; }

  Status wait_owner(const char* name) {
    if (lab_->wait_for_owner(vip_, name, kPatience)) return {};
    return fail(Errc::kTimeout, std::string{name} + " did not become the owner");
  }
  // node-a owns, node-b takes part: the start of every run.
  Status home() {
    for (const auto* name : {"node-a", "node-b"}) {
      if (!node(name).powered()) {
        if (auto done = node(name).power_on(); !done) return done;
      }
      if (!node(name).agent_running()) {
        if (auto done = start(name); !done) return done;
      }
    }
    if (lab_->owners(vip_) != std::vector<std::string>{"node-a"}) {
      if (!wait_until([&] { return !lab_->owners(vip_).empty() && listens("node-a"); }, kPatience)) {
        return fail(Errc::kTimeout, "nobody owns the address");
      }
      if (lab_->owners(vip_) == std::vector<std::string>{"node-b"} && definition_.preemption != "Immediate") {
        if (auto ended = node("node-b").stop_agent(); !ended) return tl::unexpected{ended.error()};
        if (auto done = wait_owner("node-a"); !done) return done;
        if (auto done = start("node-b"); !done) return done;
      }
      if (auto done = wait_owner("node-a"); !done) return done;
    }
    if (!wait_until([&] { return listens("node-b"); }, kPatience))
      return fail(Errc::kTimeout, "node-b does not listen");
    // It has heard the owner: a node that has just come up waits longer for it than for one that it knows.
    const auto heard = now() + 3 * kInterval;
    static_cast<void>(wait_until([&] { return now() > heard; }, seconds{1}));
    return {};
  }
  // The agent that runs now has logged that it is a backup or master.
  bool listens(const char* name) {
    return node(name).log_text().find("\"event\":\"router.transition\"", log_before_[name]) !=
           std::string::npos;
  }

  // Probes while `act` runs and until `settled`, plus a little.
  template <class Act, class Settled>
  Result<Run> measure(Act&& act, Settled&& settled, Duration after = milliseconds{300}) {
    auto probe = lab_->probe({vip_});
    if (!probe) return tl::unexpected{probe.error()};
    const auto begin = now();
    if (!wait_until([&] { return (*probe)->answered_by("", begin); }, kPatience)) {
      return fail(Errc::kTimeout, "nobody answers");
    }
    const auto from = now();
    if (Status done = act(); !done) return tl::unexpected{done.error()};
    if (!wait_until(settled, kPatience)) return fail(Errc::kTimeout, "it did not settle");
    const auto last = now();
    if (!wait_until([&] { return (*probe)->answered_by("", last); }, kPatience)) {
      return fail(Errc::kTimeout, "nobody answers any more");
    }
    const auto report = (*probe)->settled_report(from, now() + after);
    Run run;
    run.outage = report.longest_outage();
    run.lost = report.lost;
    for (const auto& outage : report.outages) run.stalled = run.stalled || outage.host_stalled;
    moved_ = report.owner_names().size() > 1;
    return run;
  }
  [[nodiscard]] bool moved() const { return moved_; }

 private:
  std::filesystem::path agent_;
  VipDefinition definition_;
  IpAddress vip_ = *IpAddress::parse("10.99.0.100");
  std::unique_ptr<Lab> lab_;
  std::map<std::string, std::size_t> log_before_;  // its length when the agent was started
  bool moved_ = false;
};

template <class Once>
Series staged(const std::filesystem::path& agent, std::string name, std::optional<Duration> bound,
              std::size_t runs, std::string preemption, Once&& once) {
  Stage stage{agent, std::move(preemption)};
  if (auto opened = stage.open(); !opened) return {std::move(name), bound, {}, 0, opened.error().what};
  return collect(std::move(name), bound, runs, [&]() -> Result<Run> {
    if (auto done = stage.home(); !done) return tl::unexpected{done.error()};
    return once(stage);
  });
}

}  // namespace

Series crash(const std::filesystem::path& agent, std::size_t runs) {
  const auto bound = election_time(kInterval, 100) + milliseconds{10};
  return staged(agent, "crash of the owner", bound, runs, "", [](Stage& stage) {
    return stage.measure([&] { return stage.node("node-a").crash(); },
                         [&] { return stage.node("node-b").owns(stage.vip()); });
  });
}

Series planned_stop(const std::filesystem::path& agent, std::size_t runs) {
  return staged(agent, "SIGTERM of the owner's agent", std::nullopt, runs, "", [](Stage& stage) {
    return stage.measure(
        [&]() -> Status {
          auto ended = stage.node("node-a").stop_agent();
          if (!ended) return tl::unexpected{ended.error()};
          return {};
        },
        [&] { return stage.node("node-b").owns(stage.vip()); });
  });
}

Series preemption(const std::filesystem::path& agent, std::size_t runs) {
  return staged(agent, "preemption by a better node", std::nullopt, runs, "Immediate",
                [](Stage& stage) -> Result<Run> {
                  auto ended = stage.node("node-a").stop_agent();
                  if (!ended) return tl::unexpected{ended.error()};
                  if (auto done = stage.wait_owner("node-b"); !done) return tl::unexpected{done.error()};
                  return stage.measure(
                      [&] { return stage.start("node-a"); },
                      [&] { return stage.lab().owners(stage.vip()) == std::vector<std::string>{"node-a"}; });
                });
}

Series speaker_killed(const std::filesystem::path& agent, std::size_t runs) {
  return staged(
      agent, "SIGKILL of the owner's speaker", std::nullopt, runs, "", [](Stage& stage) -> Result<Run> {
        const auto old = stage.node("node-a").process(Role::kSpeaker);
        if (!old) return tl::unexpected{old.error()};
        auto run = stage.measure([&] { return stage.node("node-a").signal(Role::kSpeaker, SIGKILL); },
                                 [&] {
                                   const auto pid = stage.node("node-a").process(Role::kSpeaker);
                                   return pid && *pid != *old;
                                 },
                                 milliseconds{1000});
        if (run && stage.moved()) return fail(Errc::kConflict, "the VIP moved");
        // Further kills in quick succession would be a crash loop, which is resigned for: let the window
        // pass.
        const auto resume = now() + seconds{6};
        static_cast<void>(wait_until([&] { return now() > resume; }, seconds{10}));
        return run;
      });
}

Series definition_to_answer(const std::filesystem::path& agent, std::size_t runs) {
  const std::string name = "definition written to answering VIP";
  const auto bound = election_time(kInterval, 200) + milliseconds{200};
  Stage stage{agent, ""};
  if (auto opened = stage.open(false); !opened) return {name, bound, {}, 0, opened.error().what};
  return collect(name, bound, runs, [&]() -> Result<Run> {
    if (auto done = stage.lab().remove_definition("web.yaml");
        !done && done.error().code != Errc::kNotFound) {
      return tl::unexpected{done.error()};
    }
    if (!wait_until([&] { return stage.lab().owners(stage.vip()).empty(); }, kPatience)) {
      return fail(Errc::kTimeout, "the address stays");
    }
    auto probe = stage.lab().probe({stage.vip()});
    if (!probe) return tl::unexpected{probe.error()};
    const auto begin = now();
    if (auto done = stage.write_definition(); !done) return tl::unexpected{done.error()};
    if (!wait_until([&] { return (*probe)->answered_by("", begin); }, kPatience)) {
      return fail(Errc::kTimeout, "it never answers");
    }
    const auto answered = (*probe)->last_answer()->at;
    Run run;
    run.outage = answered - begin;
    for (const auto& stall : (*probe)->report().stalls) run.stalled = run.stalled || stall.to > begin;
    return run;
  });
}

}  // namespace vipra::bench
