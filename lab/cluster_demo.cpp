#include "lab/cluster_demo.hpp"

#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "lab/definition.hpp"
#include "lab/demo_story.hpp"
#include "lab/kube/cluster.hpp"
#include "lab/kube/vipra_image.hpp"
#include "lab/literal.hpp"

namespace vipra::lab {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kVip = "10.99.0.100";
constexpr const char* kTag = "demo";
constexpr const char* kNamespace = "vipra-system";
constexpr milliseconds kInterval{100};
constexpr int kPriority = 100;
constexpr Duration kPatience = seconds{60};
// kubelets and API server run beside the election on the same cores, which they do in no real cluster.
constexpr Duration kMargin = milliseconds{100};

class ClusterDemo {
 public:
  explicit ClusterDemo(const ClusterDemoOptions& options) : options_{options} {}

  Status run() {
    for (const auto step : {&ClusterDemo::build, &ClusterDemo::install, &ClusterDemo::apply,
                            &ClusterDemo::crash_owner, &ClusterDemo::close}) {
      if (const auto done = (this->*step)(); !done) return done;
    }
    if (!story_.all_good()) return fail(Errc::kTimeout, "a promise above was missed");
    return {};
  }
  [[nodiscard]] std::string last_words() const { return cluster_ ? cluster_->last_words() : std::string{}; }

 private:
  Status build() {
    story_.step("A real Kubernetes: " + std::to_string(options_.nodes) +
                " nodes with kubelet and containerd, in network namespaces of this machine");
    auto binaries = options_.binaries.empty() ? kube::Binaries::find(VIPRA_SOURCE_DIR, kube::Level::kCluster)
                                              : Result<kube::Binaries>{kube::Binaries{options_.binaries}};
    if (!binaries) return tl::unexpected{binaries.error()};
    const auto begin = now();
    auto cluster = kube::Cluster::make(
        {.binaries = *binaries, .nodes = options_.nodes, .keep_files = options_.keep_files});
    if (!cluster) return tl::unexpected{cluster.error()};
    cluster_ = std::move(*cluster);
    story_.say("all Ready after " + seconds_text(now() - begin));
    return show({"get", "nodes"});
  }

  Status install() {
    story_.step("helm install vipra deploy/helm/vipra");
    const auto archive = cluster_->lab().directory() / "vipra.tar";
    if (const auto done = kube::write_vipra_image(options_.programs, kTag, archive); !done) return done;
    if (const auto done = cluster_->load_image(archive); !done) return done;
    const auto begin = now();
    const auto installed =
        cluster_->helm({"install", "vipra", VIPRA_SOURCE_DIR "/deploy/helm/vipra", "--namespace", kNamespace,
                        "--create-namespace", "--wait", "--set",
                        std::string{"image.repository="} + kube::kVipraRepository + ",image.tag=" + kTag});
    if (!installed) return tl::unexpected{installed.error()};
    if (installed->exit_status != 0) return fail(Errc::kIo, "helm install: " + installed->out);
    story_.say("everything Ready after " + seconds_text(now() - begin));
    return show({"get", "pods", "-n", kNamespace, "-o", "wide"});
  }

  Status apply() {
    story_.step("kubectl apply -f web.yaml");
    auto probe = cluster_->lab().probe({vip_}, {.limit = std::chrono::minutes{5}});
    if (!probe) return tl::unexpected{probe.error()};
    probe_ = std::move(*probe);
    const std::string definition =
        "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: web}\n"
        "spec:\n  addresses: [\"" +
        std::string{kVip} + "\"]\n  vrrp: {virtualRouterID: 51, advertisementInterval: 100ms}\n";
    std::istringstream lines{definition};
    for (std::string line; std::getline(lines, line);) story_.say("  " + line);
    const auto begin = now();
    if (const auto done = cluster_->api().apply(definition); !done) return done;
    if (!wait_until([&] { return probe_->answered_by("", begin); }, kPatience)) {
      return fail(Errc::kTimeout, std::string{kVip} + " does not answer");
    }
    story_.say("answers after " + seconds_text(probe_->last_answer()->at - begin));
    const auto owner = cluster_->lab().wait_for_owner(vip_, kPatience);
    if (!owner) return tl::unexpected{owner.error()};
    owner_ = *owner;
    return wait_for_status(owner_);
  }

  Status crash_owner() {
    story_.step(owner_ + " crashes: its switch port goes down and everything on it dies");
    const auto begin = now();
    if (const auto done = cluster_->node(owner_).crash(); !done) return done;
    if (!wait_until(
            [&] {
              const auto last = probe_->last_answer();
              return last && last->at > begin && last->node != owner_;
            },
            kPatience)) {
      return fail(Errc::kTimeout, "nobody took over from " + owner_);
    }
    const auto taker = probe_->last_answer()->node;
    const auto report = probe_->settled_report(begin, now() + seconds{1});
    story_.add(finding_of("crash of " + owner_, report, election_time(kInterval, kPriority) + kMargin));
    return wait_for_status(taker);
  }

  Status close() {
    probe_->stop();
    story_.step("Why, as the object itself says");
    if (const auto done = show({"get", "vip", "web", "-o",
                                "jsonpath={range .status.nodes[*]}{.name}{\": \"}{.state}{\" \"}{.reason}"
                                "{\" \"}{.message}{\"\\n\"}{end}"});
        !done)
      return done;
    std::cout << "\n" << story_.table();
    return {};
  }

  // Shows how `kubectl get vip` comes to name the owner.
  Status wait_for_status(const std::string& owner) {
    const auto begin = now();
    const auto named = [&] {
      const auto said = cluster_->kubectl({"get", "vip", "web", "-o", "jsonpath={.status.owner}"});
      return said && said->out == owner;
    };
    if (!wait_until(named, kPatience)) return fail(Errc::kTimeout, "the status does not name " + owner);
    story_.say("kubectl names " + owner + " after " + seconds_text(now() - begin));
    return show({"get", "vip"});
  }

  Status show(const std::vector<std::string>& arguments) {
    const auto said = cluster_->kubectl(arguments);
    if (!said) return tl::unexpected{said.error()};
    std::string words = "$ kubectl";
    for (const auto& argument : arguments) {
      if (argument.starts_with("jsonpath")) {
        words += " jsonpath=...";
      } else {
        words += " " + argument;
      }
    }
    story_.say(words);
    std::istringstream lines{said->out};
    for (std::string line; std::getline(lines, line);) story_.say("  " + line);
    return {};
  }

  ClusterDemoOptions options_;
  IpAddress vip_ = literal_address(kVip);
  Story story_;
  std::unique_ptr<kube::Cluster> cluster_;
  std::unique_ptr<Probe> probe_;
  std::string owner_;
};

}  // namespace

int run_cluster_demo(const ClusterDemoOptions& options) {
  const auto begin = now();
  int status = 0;
  {
    ClusterDemo demo{options};
    if (const auto done = demo.run(); !done) {
      std::cerr << "\nThe demonstration failed: " << done.error().what << "\n" << demo.last_words() << "\n";
      status = 1;
    }
  }
  tell_end(status == 0, now() - begin, options.keep_files);
  return status;
}

}  // namespace vipra::lab
