#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "lab/cluster_demo.hpp"
#include "lab/cluster_up.hpp"
#include "lab/demo.hpp"
#include "lab/lab.hpp"
#include "lab/up.hpp"

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

fs::path agent_beside_us() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path() / "vipra-agent";
}

// Advertisements count centiseconds; beyond 5 s nobody wants to watch.
std::optional<milliseconds> parse_interval(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit{end, text.data() + text.size()};
  if (error != std::errc{} || number < 1 || number > 5000 || (unit != "ms" && unit != "s"))
    return std::nullopt;
  const milliseconds value{unit == "s" ? number * 1000 : number};
  if (value < milliseconds{10} || value > milliseconds{5000} || value.count() % 10 != 0) return std::nullopt;
  return value;
}

int refuse(const std::string& reason) {
  std::cerr << "vipra-lab: " << reason << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  vipra::lab::DemoOptions demo;
  vipra::lab::UpOptions up;
  std::string agent;
  std::string interval = "100ms";
  bool no_agent = false;

  CLI::App app{"A laboratory for Vipra: nodes, a switch and a client in network namespaces of this machine."};
  app.require_subcommand(1);
  auto* demo_command = app.add_subcommand("demo", "Watch a VIP survive a crash, a stop and a killed process");
  demo_command->add_option("--nodes", demo.nodes, "How many nodes")
      ->check(CLI::Range(3, 26))
      ->capture_default_str();
  demo_command->add_option("--agent", agent, "vipra-agent to run; default: the one beside this program");
  demo_command->add_option("--interval", interval, "Advertisement interval, 10ms to 5s")
      ->capture_default_str();
  demo_command->add_flag("--keep", demo.keep_files, "Keep the nodes' folders with the logs");
  auto* up_command = app.add_subcommand("up", "Keep a lab running until Ctrl-C");
  up_command->add_option("--nodes", up.nodes, "How many nodes")
      ->check(CLI::Range(1, 26))
      ->capture_default_str();
  up_command->add_option("--agent", agent,
                         "vipra-agent to run on each node; default: the one beside this program");
  up_command->add_flag("--no-agent", no_agent, "Start no agents");
  up_command->add_flag("--keep", up.keep_files, "Keep the nodes' folders with the logs");
  vipra::lab::ClusterUpOptions cluster;
  auto* cluster_command = app.add_subcommand(
      "cluster", "Keep a real Kubernetes cluster running until Ctrl-C (see scripts/kube-binaries)");
  cluster_command->add_option("--nodes", cluster.nodes, "How many nodes")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  cluster_command->add_option("--binaries", cluster.binaries, "Folder with the programs of Kubernetes");
  cluster_command->add_option("--image", cluster.images, "OCI archive to load onto every node");
  cluster_command->add_flag("--keep", cluster.keep_files, "Keep the cluster's folder with the logs");
  vipra::lab::ClusterDemoOptions cluster_demo;
  auto* cluster_demo_command = app.add_subcommand(
      "cluster-demo",
      "Watch Vipra in a real Kubernetes cluster: helm install, kubectl apply, a node crashed");
  cluster_demo_command->add_option("--nodes", cluster_demo.nodes, "How many nodes")
      ->check(CLI::Range(2, 9))
      ->capture_default_str();
  cluster_demo_command->add_option("--binaries", cluster_demo.binaries,
                                   "Folder with the programs of Kubernetes");
  cluster_demo_command->add_flag("--keep", cluster_demo.keep_files,
                                 "Keep the cluster's folder with the logs");
  CLI11_PARSE(app, argc, argv);

  if (!vipra::lab::may_build_labs())
    return refuse("building network namespaces needs root: run it with sudo.");
  if (cluster_command->parsed()) return vipra::lab::run_cluster_up(cluster);
  if (cluster_demo_command->parsed()) {
    cluster_demo.programs = agent_beside_us().parent_path();
    return vipra::lab::run_cluster_demo(cluster_demo);
  }
  const fs::path binary = fs::absolute(agent.empty() ? agent_beside_us() : fs::path{agent});
  const bool wants_agent = demo_command->parsed() || !no_agent;
  if (wants_agent && !fs::exists(binary)) return refuse("there is no agent at " + binary.string() + ".");

  if (up_command->parsed()) {
    if (wants_agent) up.agent = binary;
    return vipra::lab::run_up(up);
  }
  demo.agent = binary;
  const auto parsed = parse_interval(interval);
  if (!parsed) return refuse("--interval wants 10ms to 5s in steps of 10ms, for example 100ms or 1s.");
  demo.interval = *parsed;
  return vipra::lab::run_demo(demo);
}
