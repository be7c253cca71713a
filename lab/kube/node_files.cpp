#include "lab/kube/node_files.hpp"

#include "lab/kube/image.hpp"

namespace vipra::lab::kube {

// The node's own control groups first: it joins /<lab>/<node> in every hierarchy and then sees that as the
// top, so all that its programs make is below. On cgroup v2 a group with processes can not give controllers
// to groups below, hence "system". The folders that are replaced exist on every Debian, so nothing is made
// outside; bash reaps every orphan that becomes its child.
const char* const kInit = R"(
set -e
trap "" HUP INT
top=/sys/fs/cgroup
join() {
  mkdir -p "$1/$3"
  if [ -e "$1/cpuset.cpus" ] && [ ! -e "$1/cgroup.controllers" ]; then
    folder=$1
    for part in ${3//\// }; do
      for key in cpus mems; do cat "$folder/cpuset.$key" > "$folder/$part/cpuset.$key"; done
      folder=$folder/$part
    done
  fi
  echo $$ > "$1/$3/cgroup.procs"
}
if [ -e $top/cgroup.procs ]; then
  join $top v2 "$3"
else
  for hierarchy in $top/*/; do [ ! -e "$hierarchy/cgroup.procs" ] || join "${hierarchy%/}" v1 "$3"; done
fi
exec unshare --cgroup /bin/bash -c "$4" node-init "$1" "$2"
)";

const char* const kSecondInit = R"(
set -e
trap "" HUP INT
mount --make-rshared /
echo "$2" > /proc/sys/kernel/hostname
top=/sys/fs/cgroup
if [ -e $top/cgroup.procs ]; then
  mount -t cgroup2 cgroup $top
  mkdir -p $top/system
  echo $$ > $top/system/cgroup.procs
else
  mapfile -t mounts < <(awk -v top="$top/" '{ for (i = 7; $i != "-"; i++); if (index($5, top) == 1) print $5, $(i + 1), $(i + 3) }' \
    /proc/self/mountinfo)
  mount -t tmpfs -o mode=755 groups $top
  for line in "${mounts[@]}"; do
    read -r folder kind options <<< "$line"
    mkdir -p "$folder"
    if [ "$kind" = cgroup2 ]; then mount -t cgroup2 cgroup "$folder"; continue; fi
    [ "$kind" = cgroup ] || continue
    wanted=
    for option in ${options//,/ }; do
      case $option in rw | ro | xattr | noprefix | clone_children | release_agent=*) ;; *) wanted+=${wanted:+,}$option ;; esac
    done
    case $wanted in name=*) wanted=none,$wanted ;; esac
    mount -t cgroup -o "$wanted" cgroup "$folder"
    for name in ${wanted//,/ }; do
      case $name in none | name=*) ;; *) [ -e "$top/$name" ] || ln -s "$folder" "$top/$name" ;; esac
    done
  done
fi
mkdir -p "$1/disk/lib" "$1/disk/log"
mount --bind "$1/disk/lib" /var/lib
mount --bind "$1/disk/log" /var/log
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/netns /run/lock
mkdir -p /var/lib/containerd /var/lib/kubelet /var/lib/cni "$1/try/1" "$1/try/2" "$1/try/3" "$1/try/4"
if mount -t overlay -o "lowerdir=$1/try/1,upperdir=$1/try/2,workdir=$1/try/3" overlay "$1/try/4" 2> /dev/null; then
  umount "$1/try/4"
  echo overlay > "$1/snapshotter"
else
  echo native > "$1/snapshotter"
fi
echo up > "$1/up"
while :; do sleep 3600 & wait $!; done
)";

const char* const kJoin = R"(
top=/sys/fs/cgroup
if [ -e $top/system/cgroup.procs ]; then
  echo $$ > $top/system/cgroup.procs
else
  for procs in $top/*/cgroup.procs; do echo $$ > "$procs"; done
fi
exec "$@"
)";

// Without CAP_SYS_RESOURCE runc can not lower a container's OOM score below its own and dies with a message
// about a closed pipe; restrict_oom_score_adj spares it the attempt.
std::string containerd_config(const NodeFacts& facts) {
  return R"(version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ")" +
         std::string{kPodImage} + R"("
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = ")" +
         (facts.overlay ? "overlayfs" : "native") + R"("
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ")" +
         (facts.folder / "cni").string() + "\"\n";
}

// ptp routes each pod by itself. On a bridge a Service answered by a pod of the same node would fail where
// br_netfilter is missing: the answer would pass the bridge without its translation.
std::string cni_config(const NodeFacts& facts) {
  return R"({"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"ptp","ipMasq":false,
 "ipam":{"type":"host-local","dataDir":"/run/cni","ranges":[[{"subnet":")" +
         facts.pod_range + R"("}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
)";
}

// Without groups for quality of service the same configuration works on cgroup v1 and v2, and every container
// is below one group, which the lab removes.
std::string kubelet_config(const NodeFacts& facts) {
  return R"(apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: )" +
         facts.client_ca.string() + R"(}}
authorization: {mode: Webhook}
evictionHard: {memory.available: "10Mi"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
nodeLeaseDurationSeconds: 10
resolvConf: )" +
         (facts.folder / "resolv.conf").string() + R"(
staticPodPath: )" +
         (facts.folder / "static").string() + R"(
shutdownGracePeriod: 0s
)";
}

std::string proxy_config(const NodeFacts& facts) {
  return R"(apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
hostnameOverride: )" +
         facts.name + R"(
clientConnection: {kubeconfig: )" +
         facts.proxy_kubeconfig.string() + R"(}
clusterCIDR: 10.244.0.0/16
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
)";
}

}  // namespace vipra::lab::kube
