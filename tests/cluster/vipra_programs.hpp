// vipra-control and vipra-controller as the processes they are, on a real API server, in a network namespace
// of the test's own. The agents are played by the test (tests/agent/control/fake_agent.hpp): what is judged
// is what control tells its agent, and what kubectl shows.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lab/kube/api_server.hpp"
#include "lab/kube/daemon.hpp"
#include "tests/agent/control/fake_agent.hpp"

namespace vipra::lab::kube {

inline constexpr const char* kSystem = "vipra-system";

// The namespace with its API server, on 10.99.9.1:6443; deploy/manifests/install.yaml is applied.
class Stage {
 public:
  static Result<std::unique_ptr<Stage>> make();

  [[nodiscard]] ApiServer& api() { return *api_; }
  [[nodiscard]] const NetNamespace& net() const { return net_; }
  [[nodiscard]] Place place(const std::string& folder);

  // The words of kubectl; "exit N: words" when it failed.
  std::string kubectl(const std::vector<std::string>& arguments, const std::string& input = {});
  [[nodiscard]] Status apply(const std::string& manifest) { return api_->apply(manifest); }
  [[nodiscard]] Status add_node(const std::string& name, const std::string& address,
                                const std::string& labels = "");
  // A pod that no kubelet runs, for a token that is bound to it; an empty node leaves it unscheduled.
  [[nodiscard]] Status add_pod(const std::string& name, const std::string& account, const std::string& node);
  // Bound to the pod if there is one; `audience` may be empty (the API server's own).
  [[nodiscard]] Result<std::string> token(const std::string& account, const std::string& audience,
                                          const std::string& pod = "");
  // A kubeconfig with such a token; returns its path.
  [[nodiscard]] Result<std::string> kubeconfig(const std::string& account, const std::string& pod = "");
  // The page of something in the namespace; empty if there is none.
  [[nodiscard]] std::string page(const std::string& address, const std::string& path = "/metrics");
  // Lines of the audit log.
  [[nodiscard]] std::vector<std::string> audit() const;

 private:
  Stage(std::unique_ptr<Workspace> workspace, NetNamespace net)
      : workspace_{std::move(workspace)}, net_{std::move(net)} {}
  Status build();

  std::unique_ptr<Workspace> workspace_;
  NetNamespace net_;
  Spawner spawner_;
  std::unique_ptr<ApiServer> api_;
};

// One node: control with an agent that says of every router what the test wants.
class ControlNode {
 public:
  struct Options {
    std::string node = "node-a";
    std::string address = "10.99.9.11";  // of its metrics; added to the namespace
    std::vector<std::string> flags{};    // beside the sockets, the kubeconfig and the node
    std::string kubeconfig;
  };
  ControlNode(Stage& stage, Options options);
  ControlNode(const ControlNode&) = delete;
  ControlNode& operator=(const ControlNode&) = delete;

  [[nodiscard]] Status start() { return control_->start(); }
  [[nodiscard]] Status restart();  // SIGKILL before
  Daemon& process() { return *control_; }
  test::FakeAgent& agent() { return *agent_; }
  void poll();

  // Everything that control ever told this agent is in agent().desired.
  [[nodiscard]] std::size_t told() const { return agent_->desired.size(); }
  // "web/ipv4:150 db/ipv4:100": routers of what it told last, with their priorities.
  [[nodiscard]] std::string routers() const;
  // "node-b@10.99.9.12".
  [[nodiscard]] std::string peers() const;
  // What the contributions to this router's priority add up to now.
  [[nodiscard]] int delta(const std::string& router) const;
  // What the agent says of all its routers from now on; kBackup at first.
  void be(reason::v1::State state) { state_ = state; }
  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::string metrics() { return stage_.page(options_.address + ":9112"); }
  [[nodiscard]] std::filesystem::path folder() const { return folder_; }

 private:
  void speak();

  Stage& stage_;
  Options options_;
  std::filesystem::path folder_;
  std::unique_ptr<test::FakeAgent> agent_;
  std::unique_ptr<Daemon> control_;
  reason::v1::State state_ = reason::v1::STATE_BACKUP;
  std::string said_;
};

// Megabytes (10^6) of memory that the process has in RAM.
[[nodiscard]] double resident_megabytes(pid_t pid);

[[nodiscard]] std::string virtual_ip(const std::string& name, int vrid, const std::string& more = "");

}  // namespace vipra::lab::kube
