// A client that sits on the loser's side of a partition, and what it loses when the network heals.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "bench/contenders.hpp"
#include "bench/scenarios.hpp"
#include "bench/series.hpp"

namespace vipra::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace vipra::lab;

constexpr Duration kPatience = seconds{20};
constexpr Duration kWatched = seconds{2};  // after the heal

void pass_until(TimePoint at) {
  static_cast<void>(wait_until([&] { return now() >= at; }, kPatience + seconds{20}, milliseconds{5}));
}

class Split {
 public:
  explicit Split(std::unique_ptr<Contender> contender) : contender_{std::move(contender)} {}

  Status open() {
    if (auto opened = contender_->open(); !opened) return opened;
    return client({"ip", "route", "add", "10.98.0.0/16", "dev", "eth0"});
  }
  Result<Run> once(Duration held) {
    // A client that was left with the wrong MAC address starts anew.
    if (auto done = client({"ip", "neigh", "flush", "dev", "eth0"}); !done)
      return tl::unexpected{done.error()};
    if (!wait_until([&] { return contender_->owned("node-a") == 1 && contender_->owned("node-b") == 0; },
                    kPatience))
      return fail(Errc::kTimeout, "node-a does not own the address alone");
    auto& lab = contender_->lab();
    auto probe = lab.probe({vip_});
    if (!probe) return tl::unexpected{probe.error()};
    const auto begin = now();
    if (!wait_until([&] { return (*probe)->answered_by("node-a", begin); }, kPatience))
      return fail(Errc::kTimeout, "node-a does not answer");
    const auto& network = lab.network();
    const auto cut = now();
    if (auto done = network.cut_both(lab.node("node-a"), lab.node("node-b")); !done)
      return tl::unexpected{done.error()};
    if (auto done = network.cut_both(lab.node("node-a"), lab.client()); !done)
      return tl::unexpected{done.error()};
    if (!wait_until([&] { return (*probe)->answered_by("node-b", cut); }, kPatience))
      return fail(Errc::kTimeout, "node-b did not take over");
    pass_until(cut + held);
    const auto healed = now();
    if (auto done = network.heal_all(); !done) return tl::unexpected{done.error()};
    pass_until(healed + kWatched);
    const auto report = (*probe)->settled_report(healed, healed + kWatched);
    Run run;
    run.outage = report.longest_outage();
    run.lost = report.lost;
    for (const auto& outage : report.outages) run.stalled = run.stalled || outage.host_stalled;
    return run;
  }

 private:
  Status client(const std::vector<std::string>& command) {
    const auto done = contender_->lab().client().run(command);
    if (!done) return tl::unexpected{done.error()};
    if (done->exit_status != 0) return fail(Errc::kIo, command.front() + ": " + done->out);
    return {};
  }

  std::unique_ptr<Contender> contender_;
  IpAddress vip_ = *IpAddress::parse("10.98.0.1");
};

Series heal(std::unique_ptr<Contender> contender, Duration held, std::size_t runs) {
  const auto name = std::string{contender->name()} + ", after " +
                    std::to_string(std::chrono::duration_cast<seconds>(held).count()) + " s of partition";
  Split split{std::move(contender)};
  if (const auto opened = split.open(); !opened) return {name, std::nullopt, {}, 0, opened.error().what};
  return collect(name, std::nullopt, runs, [&] { return split.once(held); });
}

}  // namespace

bool partition(const std::filesystem::path& agent, std::size_t runs) {
  const Load one{1, milliseconds{100}};
  bool kept = true;
  std::printf("\nthe first %lld s after a partition healed, for a client on the loser's side\n",
              static_cast<long long>(std::chrono::duration_cast<seconds>(kWatched).count()));
  for (const auto held : {seconds{2}, seconds{15}}) {
    // Beside each other, each in a lab of its own: the same minutes.
    Series theirs;
    std::thread beside;
    if (have_keepalived()) {
      beside = std::thread{[&] { theirs = heal(make_keepalived(one), held, runs); }};
    }
    const auto ours = heal(make_vipra(one, agent), held, runs);
    if (beside.joinable()) beside.join();
    std::puts(ours.row().c_str());
    if (!theirs.name.empty()) std::puts(theirs.row().c_str());
    std::fflush(stdout);
    kept = kept && ours.kept();
  }
  return kept;
}

}  // namespace vipra::bench
