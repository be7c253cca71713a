// Vipra installed by its chart on the lab's cluster of three nodes, for all tests of the suite: it is whole,
// with no VirtualIP, when a test begins, whatever the one before did to it.
#pragma once

#include <nlohmann/json.hpp>

#include "lab/kube/cluster.hpp"
#include "tests/cluster/api_fixture.hpp"
#include "tests/cluster/status_watch.hpp"

namespace vipra::lab::kube {

// Misses and interval as by default, priority 100: 3 x 100 ms and the skew of priority 1, the longest there
// is.
inline constexpr Duration kElection = std::chrono::milliseconds{400};
// For a machine of two cores on which three kubelets run as well.
inline constexpr Duration kLoadMargin = std::chrono::milliseconds{500};

class VipraCluster : public testing::Test {
 protected:
  static constexpr const char* kNamespace = "vipra-system";

  // Once for all suites of the program; it ends with the last of them.
  static void SetUpTestSuite();
  void SetUp() override;
  void TearDown() override;

  static std::string kubectl(const std::vector<std::string>& arguments, std::string_view input = {});
  static nlohmann::json get(const std::vector<std::string>& arguments);  // kubectl get ... -o json
  static nlohmann::json status_of(const std::string& vip);

  // Everything runs, and says that it is ready; or what does not.
  static std::string why_not_whole();
  [[nodiscard]] static bool whole_within(Duration within);

  // Node and pod of whoever holds the Lease.
  struct Leader {
    std::string holder, pod, node;
  };
  static Leader leader();
  static std::string pod_on(const std::string& node);  // of the agent
  // A process of the node, by its program's name and nothing of its arguments.
  static std::vector<pid_t> processes_on(const std::string& node, const std::string& program);
  static long resident_kb(pid_t pid);
  static std::string http(const std::string& url);  // status code and body; or words

  static std::vector<std::string> owners(const std::string& address) {
    return cluster_->lab().owners(*IpAddress::parse(address));
  }
  static Result<std::string> owner(const std::string& address, Duration within = std::chrono::seconds{10}) {
    return cluster_->lab().wait_for_owner(*IpAddress::parse(address), within);
  }
  static std::unique_ptr<Probe> probe(const std::vector<std::string>& addresses,
                                      Duration limit = std::chrono::minutes{3});

  // A VirtualIP; the first node of `preference` has the highest priority.
  static std::string vip(const std::string& name, int vrid, const std::string& addresses,
                         const std::vector<std::string>& preference = {}, const std::string& more = {});
  static Status apply(const std::string& manifest) { return cluster_->api().apply(manifest); }
  static Status helm(const std::string& command, const std::string& tag,
                     const std::vector<std::string>& more);

  class Ending;
  inline static std::unique_ptr<Cluster> cluster_;
  inline static std::vector<std::string> values_;  // flags of helm, with every install and upgrade
  inline static Duration install_took_{};          // from the start of helm to the first answer of a VIP
};

}  // namespace vipra::lab::kube
