#include "lab/demo.hpp"

#include <algorithm>
#include <iostream>

#include "lab/demo_story.hpp"
#include "lab/lab.hpp"
#include "lab/literal.hpp"

namespace vipra::lab {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kVip = "10.99.0.100";
constexpr Duration kPatience = seconds{10};

class Demo {
 public:
  explicit Demo(const DemoOptions& options) : options_{options} {}

  // An error ends the story: something did not happen.
  Status run() {
    for (const auto step : {&Demo::build, &Demo::elect, &Demo::crash_owner, &Demo::stop_owner,
                            &Demo::power_on, &Demo::kill_speaker}) {
      if (const auto done = (this->*step)(); !done) return done;
    }
    close();
    if (!story_.all_good()) return fail(Errc::kTimeout, "a promise above was missed");
    return {};
  }

  void show_logs() const {
    for (std::size_t i = 0; lab_ && i < lab_->node_count(); ++i) {
      auto& node = lab_->node(i);
      const std::string log = node.log_text();
      constexpr std::size_t kTail = 1500;
      std::cerr << "--- last words of the agent on " << node.name() << "\n"
                << log.substr(log.size() - std::min(kTail, log.size())) << "\n";
    }
  }

 private:
  Status build() {
    story_.step("A network of its own: " + std::to_string(options_.nodes) +
                " nodes and a client on a switch, all in network namespaces");
    const TimePoint begin = now();
    auto lab = Lab::make({.nodes = options_.nodes, .keep_files = options_.keep_files});
    if (!lab) return tl::unexpected{lab.error()};
    lab_ = std::move(*lab);
    story_.say("built in " + seconds_text(now() - begin) + "; this machine's own interfaces are not touched");
    auto probe = lab_->probe({vip_}, {.limit = seconds{120}});
    if (!probe) return tl::unexpected{probe.error()};
    probe_ = std::move(*probe);
    return {};
  }

  Status elect() {
    story_.step(
        "Three steps to a VIP: a definition in each node's folder, an agent on each node, an election");
    VipDefinition definition;
    definition.addresses = {kVip};
    definition.interval = options_.interval;
    for (const auto& name : lab_->node_names()) definition.priorities.emplace_back(name, priority_of(name));
    if (const auto done = lab_->write_definition("web.yaml", definition.yaml()); !done) return done;
    const TimePoint begin = lab_->timeline().note("agents started");
    if (const auto done = lab_->start_agents(agent()); !done) return done;
    if (const auto done = wait_for_answer("", begin); !done) return done;
    // Whoever it is: with the default policy Never the first one up keeps it.
    const auto owner = lab_->wait_for_owner(vip_, kPatience);
    if (!owner) return tl::unexpected{owner.error()};
    owner_ = *owner;
    story_.say(std::string{kVip} + " answers from " + owner_ + " " + seconds_text(now() - begin) +
               " after the first agent was started; the client asks every millisecond from now on");
    return watch("a quiet second", seconds{1});
  }

  Status crash_owner() {
    const std::string victim = owner_;
    story_.step("Crash of " + victim + ": its cable is dead and every process on it is killed at once");
    const TimePoint begin = now();
    if (const auto done = lab_->node(victim).crash(); !done) return done;
    lab_->timeline().note(begin, "crash of " + victim);
    if (const auto done = follow_move(victim, begin); !done) return done;
    story_.say(owner_ + " has missed three advertisements, waited its skew and taken over");
    const auto bound = election_time(options_.interval, best_priority_without(victim));
    story_.add(finding_of("crash of " + victim, probe_->settled_report(begin, now()), bound));
    crashed_ = victim;
    return {};
  }

  Status stop_owner() {
    const std::string leaving = owner_;
    story_.step("Maintenance on " + leaving + ": its agent gets SIGTERM and hands the VIP over");
    const TimePoint begin = lab_->timeline().note("SIGTERM to the agent of " + leaving);
    const auto ended = lab_->node(leaving).stop_agent();
    if (!ended) return tl::unexpected{ended.error()};
    if (!ended->exited_with(0))
      return fail(Errc::kIo, "the agent of " + leaving + " did not end with status 0");
    if (const auto done = follow_move(leaving, begin); !done) return done;
    story_.say(owner_ + " took over on the resignation; " + leaving + " kept answering until it had");
    // Long enough for the leaving node to give the address up as well.
    const TimePoint end = now() + std::max<Duration>(milliseconds{200}, 2 * options_.interval);
    story_.add(finding_of("SIGTERM on " + leaving, probe_->settled_report(begin, end), std::nullopt));
    return lab_->node(leaving).start_agent(agent());
  }

  Status power_on() {
    story_.step("Power for " + crashed_ +
                ": it boots, and though it is the better node it takes nothing away");
    const TimePoint begin = lab_->timeline().note("power on of " + crashed_);
    if (const auto done = lab_->node(crashed_).power_on(); !done) return done;
    if (const auto done = lab_->node(crashed_).start_agent(agent()); !done) return done;
    return watch("return of " + crashed_, seconds{2}, begin);
  }

  Status kill_speaker() {
    story_.step("The speaker on " + owner_ +
                " is killed with SIGKILL: the supervisor starts another at once");
    auto& node = lab_->node(owner_);
    const auto before = node.process(Role::kSpeaker);
    if (!before) return tl::unexpected{before.error()};
    const TimePoint begin = lab_->timeline().note("SIGKILL to the speaker of " + owner_);
    if (const auto done = node.signal(Role::kSpeaker, SIGKILL); !done) return done;
    const auto reborn = [&] {
      const auto pid = node.process(Role::kSpeaker);
      return pid && *pid != *before;
    };
    if (!wait_until(reborn, kPatience)) return fail(Errc::kTimeout, "no new speaker on " + owner_);
    story_.say("a new speaker runs " + seconds_text(now() - begin) + " later and has adopted the address");
    return watch("speaker killed on " + owner_, std::max<Duration>(seconds{2}, 5 * options_.interval), begin);
  }

  void close() {
    probe_->stop();
    story_.step("Who owned " + std::string{kVip} + ", as the client saw it");
    std::cout << lab_->timeline().table(probe_->report()) << "\n" << story_.table();
    const auto all = probe_->report();
    if (all.host_stalled())
      story_.say("(this machine stalled " + std::to_string(all.stalls.size()) +
                 " times; steps hit by that are not judged)");
  }

  // Nothing may be lost, and nothing may move, for that long.
  Status watch(const std::string& what, Duration length, TimePoint begin = now()) {
    const auto report = probe_->settled_report(begin, begin + length);
    for (const auto& owner : report.owners)
      if (owner.node != owner_)
        return fail(Errc::kConflict, "the VIP moved to " + owner.node + " during: " + what);
    story_.add(finding_of(what, report, std::nullopt));
    return {};
  }

  Status follow_move(const std::string& from, TimePoint since) {
    const auto moved = [&] {
      const auto last = probe_->last_answer();
      return last && last->at >= since && last->node != from;
    };
    if (!wait_until(moved, kPatience + 4 * options_.interval))
      return fail(Errc::kTimeout, "nobody took the VIP over from " + from);
    const auto last = probe_->last_answer();
    if (last) owner_ = last->node;
    return {};
  }

  Status wait_for_answer(const std::string& node, TimePoint since) {
    if (wait_until([&] { return probe_->answered_by(node, since); }, kPatience + 4 * options_.interval))
      return {};
    return fail(Errc::kTimeout, std::string{kVip} + " does not answer");
  }

  // node-a 200, node-b 150, node-c 100, then 90, 80...
  static int priority_of(const std::string& node) {
    const int rank = node.back() - 'a';
    return rank < 3 ? 200 - 50 * rank : std::max(1, 100 - 4 * (rank - 2));
  }

  int best_priority_without(const std::string& victim) const {
    int best = 0;
    for (const auto& name : lab_->node_names())
      if (name != victim) best = std::max(best, priority_of(name));
    return best;
  }

  AgentOptions agent() const { return {.binary = options_.agent}; }

  DemoOptions options_;
  IpAddress vip_ = literal_address(kVip);
  Story story_;
  std::unique_ptr<Lab> lab_;
  std::unique_ptr<Probe> probe_;
  std::string owner_;
  std::string crashed_;
};

}  // namespace

int run_demo(const DemoOptions& options) {
  const TimePoint begin = now();
  int status = 0;
  {
    Demo demo{options};
    if (const auto done = demo.run(); !done) {
      std::cerr << "\nThe demonstration failed: " << done.error().what << "\n";
      demo.show_logs();
      status = 1;
    }
  }
  tell_end(status == 0, now() - begin, options.keep_files);
  return status;
}

}  // namespace vipra::lab
