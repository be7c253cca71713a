#include "cli/guide.hpp"

#include <algorithm>
#include <array>

namespace vipra::cli {
namespace {

template <class Enum>
struct Entry {
  Enum value;
  Guide guide;
};

constexpr std::array kStates{
    Entry<State>{State::kUnknown,
                 {"the node no longer reports", "see whether the node is up and vipra-agent runs there"}},
    Entry<State>{State::kInit, {"the router is not running (yet, or any more)", ""}},
    Entry<State>{State::kBackup,
                 {"another node owns the addresses; this one listens, ready to take over", ""}},
    Entry<State>{State::kMaster, {"this node owns the addresses and advertises", ""}},
    Entry<State>{
        State::kReleasing,
        {"this node gives the addresses up in good health: silent, it keeps them until the taker has "
         "announced",
         ""}},
    Entry<State>{State::kFault,
                 {"something here keeps the router out of the election", "see the reason beside the state"}},
};

constexpr std::array kReasons{
    Entry<Reason>{Reason::kNone, {"no reason was given", ""}},
    // Elections
    Entry<Reason>{Reason::kStartup, {"the router has just started and listens for a master", ""}},
    Entry<Reason>{
        Reason::kMasterSilent,
        {"no master was heard for the agreed time, so this node took over",
         "if another node should own it, see why that one is silent: node up? agent running? does the "
         "switch forward multicast?"}},
    Entry<Reason>{Reason::kMasterResigned, {"the master gave the addresses up on purpose (priority 0)", ""}},
    Entry<Reason>{Reason::kMasterWorsened,
                  {"the master's priority fell below this node's, so this node takes over",
                   "run `vipctl explain` on the old master: one of its checks probably fails"}},
    Entry<Reason>{
        Reason::kLowerPriority,
        {"the master has the higher priority",
         "nothing, unless this node should own it: compare the priorities, and the checks that cost some"}},
    Entry<Reason>{Reason::kLowerAddress,
                  {"the master has the same priority and the higher address, which breaks the tie",
                   "if it matters who wins, give the nodes different priorities (spec.vrrp.priorities)"}},
    Entry<Reason>{
        Reason::kNotPreempting,
        {"this node is better than the master, but the preemption policy leaves a working master alone",
         "if the better node shall always win, set spec.vrrp.preemption.policy to Immediate or Delayed"}},
    Entry<Reason>{Reason::kPreempted, {"a better node announced itself, so this one stood back", ""}},
    Entry<Reason>{Reason::kAddressOwner, {"priority 255: this node owns the addresses whenever it runs", ""}},
    Entry<Reason>{Reason::kAdopted,
                  {"the agent was restarted and took over the addresses that it owned before, without a gap",
                   "if nobody restarted it, look for the crash in the log of vipra-agent"}},
    Entry<Reason>{Reason::kLeadIsMaster,
                  {"its lead (the IPv4 router of the VirtualIP, or the oldest member of its group) is master "
                   "here, and this "
                   "one follows it",
                   ""}},
    Entry<Reason>{Reason::kLeadIsNotMaster,
                  {"its lead (the IPv4 router of the VirtualIP, or the oldest member of its group) is not "
                   "master here, so "
                   "this one waits",
                   "read what is said of the lead"}},
    Entry<Reason>{
        Reason::kStalled,
        {"the process or the machine stood still for longer than the peers wait, so this node stands back",
         "look for a suspended VM, CPU starvation, or an agent without real-time scheduling"}},
    Entry<Reason>{Reason::kReleased, {"this node gave the addresses up in good health", ""}},
    Entry<Reason>{Reason::kReleaseCancelled, {"the release was withdrawn before it was complete", ""}},
    Entry<Reason>{Reason::kShutdown,
                  {"the agent was told to stop", "start vipra-agent again if that was not meant"}},
    Entry<Reason>{Reason::kDeleted,
                  {"the definition is gone", "write the definition again if that was not meant"}},
    Entry<Reason>{Reason::kListening, {"listens for a master before it would take over", ""}},
    Entry<Reason>{Reason::kReconfigured, {"the definition changed in a way that starts the router anew", ""}},
    Entry<Reason>{Reason::kHighestPriority, {"no node with a higher priority is heard", ""}},
    Entry<Reason>{Reason::kMaintenance,
                  {"the node is in maintenance: it gave its addresses up and takes none",
                   "`vipctl maintenance off` on that node, or wait until its time has passed"}},
    Entry<Reason>{Reason::kSwitchover,
                  {"somebody handed this VirtualIP over to the other nodes; this one stays away for a while",
                   "wait until its time has passed, or `vipctl switchover --cancel` on that node"}},
    // Faults
    Entry<Reason>{
        Reason::kInterfaceMissing,
        {"no interface of this node fits the definition",
         "compare spec.interface with `ip -br address`; by default an interface needs a subnet that holds "
         "the address"}},
    Entry<Reason>{Reason::kInterfaceDown,
                  {"the interface is down", "`ip link show` it: cable, switch port, `ip link set NAME up`"}},
    Entry<Reason>{Reason::kInterfaceAmbiguous,
                  {"more than one interface fits the definition", "name one in spec.interface"}},
    Entry<Reason>{Reason::kNoPrimaryAddress,
                  {"the interface has no address of this family to send advertisements from",
                   "give the interface an address of its own (for IPv6 a link-local one)"}},
    Entry<Reason>{Reason::kAddressInUse,
                  {"the address was already on this node, and not put there by Vipra, so it is not touched",
                   "remove it (`ip address del`), or find out who sets it, or choose another address"}},
    Entry<Reason>{Reason::kAddressInstallFailed,
                  {"the kernel refused to add an address",
                   "read the error beside the address; for IPv6 see sysctl disable_ipv6 of the interface"}},
    Entry<Reason>{Reason::kCheckFailed,
                  {"a health check of the VirtualIP fails on this node",
                   "repair the service that the check asks, or the check itself (spec.checks)"}},
    Entry<Reason>{Reason::kVridConflict,
                  {"another router on this segment and family uses the same virtual router id",
                   "give one of the two another spec.vrrp.virtualRouterID"}},
    Entry<Reason>{Reason::kAddressConflict,
                  {"another, older VirtualIP claims the same address",
                   "remove the address from one of the two; the message names the winner"}},
    Entry<Reason>{Reason::kSocketFailed,
                  {"the raw socket could not be opened or used",
                   "see the log of vipra-agent: it needs NET_RAW and NET_ADMIN"}},
    Entry<Reason>{
        Reason::kNodeNotSelected,
        {"the nodeSelector of the VirtualIP does not select this node",
         "nothing, unless this node should serve it: compare spec.nodeSelector with the node's labels"}},
    Entry<Reason>{Reason::kUnsupported,
                  {"the definition asks for something that this build cannot do",
                   "read the message, or run a newer version"}},
    Entry<Reason>{Reason::kNoPeers,
                  {"advertisements are to go by unicast, and no other node is known to send them to",
                   "list the nodes in spec.vrrp.transport.peers; without a list, see whether the "
                   "nodeSelector matches other "
                   "nodes, and whether these have an InternalIP of the family"}},
    Entry<Reason>{Reason::kTrackedLinkDown,
                  {"an interface that spec.vrrp.track names is missing, down or without carrier",
                   "bring the interface up, or see the cable and the switch port"}},
    Entry<Reason>{Reason::kGatewayUnreachable,
                  {"a gateway that spec.vrrp.track names no longer answers ARP, or neighbor solicitations",
                   "see whether the gateway is up, and whether this node reaches its segment"}},
    Entry<Reason>{Reason::kRouteMissing,
                  {"the main routing table has no usable route to a destination that spec.vrrp.track names",
                   "compare `ip route show` with the definition"}},
    Entry<Reason>{
        Reason::kGroupMember,
        {"another member of the group cannot be served here, and a group moves as a whole",
         "see the member that the message names; all members of a group need the same nodeSelector"}},
    Entry<Reason>{
        Reason::kDeviceFailed,
        {"the device with the virtual MAC address cannot be made or used",
         "see the message: the name or the MAC address may be taken, or the interface cannot carry a "
         "macvlan; set spec.vrrp.virtualMAC to false there"}},
    Entry<Reason>{
        Reason::kChecksumFormsMixed,
        {"the peers of this router send two forms of the IPv4 checksum; both are accepted here, but not by "
         "every implementation",
         "set spec.vrrp.ipv4Checksum, and the same form at the other routers of this VRID"}},
    Entry<Reason>{Reason::kOneWayMulticast,
                  {"advertisements are sent by multicast and by unicast, and the owner is heard by one of "
                   "them only; the "
                   "election goes on, without its second way",
                   "multicast silent: see what filters 224.0.0.18 or ff02::12 (a switch that snoops without "
                   "a querier, a "
                   "firewall); unicast silent: see whether the owner lists this node's address as a peer, "
                   "and a firewall for "
                   "protocol 112"}},
    Entry<Reason>{
        Reason::kConflict,
        {"something else on the segment answers for an address that this node owns, or advertises it "
         "under another virtual router id",
         "find the host by the MAC or IP address in the message, and take the address from it"}},
    Entry<Reason>{
        Reason::kPriorityGap,
        {"the priorities of two nodes are so close that both may take over at once after a crash; one "
         "yields within milliseconds",
         "give the nodes priorities that differ by more, or a longer advertisementInterval"}},
    // Definitions
    Entry<Reason>{Reason::kAccepted, {"the definition is good and is served", ""}},
    Entry<Reason>{Reason::kParseError,
                  {"the file is no well-formed JSON or YAML",
                   "correct the file; `vipctl validate FILE` shows the place"}},
    Entry<Reason>{Reason::kUnknownKind,
                  {"apiVersion and kind name nothing that Vipra knows",
                   "write apiVersion: vipra.dev/v1alpha1 and kind: VirtualIP"}},
    Entry<Reason>{Reason::kUnknownField,
                  {"a field that the schema does not have, often a spelling mistake",
                   "correct or remove the field at the path"}},
    Entry<Reason>{Reason::kRequiredField,
                  {"a field that must be there is missing", "add the field at the path"}},
    Entry<Reason>{
        Reason::kWrongType,
        {"the field has another type than the schema says", "correct the value; mind quotes around numbers"}},
    Entry<Reason>{Reason::kOutOfRange,
                  {"the number is too small or too large", "correct the value at the path"}},
    Entry<Reason>{Reason::kInvalidValue,
                  {"the value is none that the field can have", "correct the value at the path"}},
    Entry<Reason>{Reason::kTooLong, {"the text is longer than the schema allows", "shorten it"}},
    Entry<Reason>{Reason::kTooMany,
                  {"the list has more items than the schema allows", "split the object, or remove items"}},
    Entry<Reason>{Reason::kDuplicate,
                  {"the same name, item or field is given twice",
                   "remove one of the two; the message names the other"}},
    Entry<Reason>{Reason::kRuleViolated,
                  {"each field is good, but together they break a rule", "read the rule in the message"}},
    Entry<Reason>{Reason::kTooLarge, {"the file or object is larger than is read", "split the file"}},
    Entry<Reason>{Reason::kNotReadable,
                  {"the file or folder cannot be read; what was last good is served on",
                   "see owner and mode: the user of vipra-control (65532) must be able to read it"}},
    // Checks
    Entry<Reason>{Reason::kCheckPassed, {"the check got the answer that it wants", ""}},
    Entry<Reason>{Reason::kCheckPending, {"the check has no verdict yet", ""}},
    Entry<Reason>{Reason::kCheckTimeout,
                  {"no answer within the check's timeout",
                   "see whether the service is overloaded or the port filtered"}},
    Entry<Reason>{Reason::kCheckRefused,
                  {"the connection was refused: nobody listens on that port",
                   "start the service, or correct the port of the check"}},
    Entry<Reason>{Reason::kCheckUnreachable,
                  {"the address of the check cannot be reached", "correct its host, or the route to it"}},
    Entry<Reason>{Reason::kCheckWrongStatus,
                  {"the HTTP status is not among the expected ones",
                   "see why the service answers so, or correct the check"}},
    Entry<Reason>{
        Reason::kCheckBadResponse,
        {"the answer is no HTTP, or ends too early", "see whether the port speaks HTTP without TLS"}},
    Entry<Reason>{Reason::kCheckStale,
                  {"vipra-control has not told its verdict for too long; the last one is kept",
                   "see whether vipra-control runs and hangs"}},
    Entry<Reason>{Reason::kCheckTooFewEndpoints,
                  {"the Service has fewer ready endpoints than the check asks for",
                   "see which pods of the Service are ready, and on which nodes they run"}},
    // Processes
    Entry<Reason>{Reason::kExited, {"a process of Vipra ended and is restarted", "see its last log lines"}},
    Entry<Reason>{Reason::kKilledBySignal,
                  {"a process of Vipra was killed and is restarted", "look for the OOM killer in `dmesg`"}},
    Entry<Reason>{
        Reason::kHung,
        {"a process of Vipra no longer answered and was killed", "report it with the log lines before"}},
    Entry<Reason>{Reason::kVersionMismatch,
                  {"two processes of Vipra speak different versions of their protocol",
                   "install vipra-agent and vipra-control of the same version and restart the older one"}},
    Entry<Reason>{Reason::kPeerNotAllowed,
                  {"a process with a foreign user id connected and was refused",
                   "start vipra-control as the user that vipra-agent expects (--control-uid)"}},
    // Kubernetes API
    Entry<Reason>{Reason::kApiUnreachable,
                  {"no Kubernetes API server can be reached, or none answers in time; what was known stays",
                   "see whether the API server runs and whether this node reaches it (--api-endpoint)"}},
    Entry<Reason>{Reason::kApiForbidden,
                  {"the API server does not let Vipra read this; what was known stays",
                   "see whether the ClusterRole and its binding are installed and the token is valid"}},
    Entry<Reason>{Reason::kApiNotFound,
                  {"the API server does not know this resource; what was known stays",
                   "install the CustomResourceDefinition of VirtualIP"}},
    Entry<Reason>{Reason::kApiThrottled,
                  {"the API server asks for patience; what was known stays",
                   "nothing at first; if it lasts, see what loads the API server"}},
    Entry<Reason>{Reason::kApiFailed,
                  {"the API server answered with an error; what was known stays",
                   "see the message, and the log of the API server"}},
    Entry<Reason>{Reason::kApiBadAnswer,
                  {"the answer makes no sense or is too large; what was known stays",
                   "see whether the configured endpoint is a Kubernetes API server and no proxy"}},
    // A cluster's view of a VirtualIP
    Entry<Reason>{Reason::kOwned, {"one node owns the addresses", ""}},
    Entry<Reason>{Reason::kNoOwner,
                  {"no node has owned the addresses for longer than an election takes",
                   "read the rows of the nodes in the status: each says why it is not the owner"}},
    Entry<Reason>{
        Reason::kTwoOwners,
        {"two nodes have owned the addresses for longer than an election takes: they do not hear each other",
         "see whether the switch forwards multicast between them, and whether both have the same VLAN and "
         "virtual router id; where multicast is not to be had, set spec.vrrp.transport.mode to Unicast or "
         "Both"}},
    Entry<Reason>{Reason::kFamiliesSplit,
                  {"the IPv4 and the IPv6 addresses have different owners, or one family has none",
                   "run `vipctl explain` on the nodes: the other family usually has a fault"}},
    Entry<Reason>{Reason::kElectionUnderWay,
                  {"no node owns the addresses at the moment; the election may still be under way", ""}},
    Entry<Reason>{Reason::kNotReporting,
                  {"the node no longer reports; its addresses are not touched for that",
                   "see whether the node is up, and vipra-control runs there and reaches vipra-controller"}},
    Entry<Reason>{Reason::kNotJudged,
                  {"no node has judged this version of the definition yet",
                   "see whether any node runs vipra-control and reports"}},
    Entry<Reason>{Reason::kNoNode,
                  {"no node takes part", "compare spec.nodeSelector with the labels of the nodes"}},
    Entry<Reason>{Reason::kAddressMissing,
                  {"an address is not on its owner",
                   "read the message, and the error beside the address in `vipctl explain`"}},
    Entry<Reason>{Reason::kAsExpected, {"nothing wants attention", ""}},
    // Reports that the controller refuses
    Entry<Reason>{
        Reason::kTokenMissing,
        {"the report came without a token", "see whether the token is mounted into the pod of the agent"}},
    Entry<Reason>{
        Reason::kTokenRefused,
        {"the API server does not accept the token, or it is meant for somebody else",
         "compare the audience and the service account of the agent with what vipra-controller expects"}},
    Entry<Reason>{Reason::kTokenExpired,
                  {"the token of an open stream has expired; the node comes back with its new one", ""}},
    Entry<Reason>{Reason::kTokenNotReviewed,
                  {"the API server could not be asked about the token in time",
                   "see whether the API server is well and vipra-controller may create TokenReviews"}},
    Entry<Reason>{Reason::kTokenWithoutNode,
                  {"the token is not bound to a pod on a node, so it does not say whose report this is",
                   "use the projected token of the pod, on Kubernetes 1.30 or newer"}},
    Entry<Reason>{Reason::kWrongNode,
                  {"the report names another node than its token is bound to",
                   "see who sends it: a node may only report for itself"}},
    Entry<Reason>{Reason::kTooManyStreams,
                  {"more streams than vipra-controller takes", "raise its limit, or see who opens them"}},
    Entry<Reason>{Reason::kReplacedByNewer, {"the same node has opened a newer stream", ""}},
};

constexpr std::array kDrops{
    Entry<DropReason>{DropReason::kNone, {"not dropped", ""}},
    Entry<DropReason>{
        DropReason::kSelfEcho,
        {"our own advertisement came back", "some are normal; many: look for a loop or a mirroring port"}},
    Entry<DropReason>{DropReason::kDestination,
                      {"sent neither to the VRRP group nor to this node as a known peer",
                       "see which device sends VRRP to such an address"}},
    Entry<DropReason>{DropReason::kIpHeader,
                      {"the IP header is damaged or cut off", "look for a faulty sender"}},
    Entry<DropReason>{DropReason::kTtl,
                      {"TTL or hop limit is not 255, so it came from another segment or is forged",
                       "find the sender; VRRP must not be routed"}},
    Entry<DropReason>{DropReason::kShort, {"shorter than a VRRP header", "look for a faulty sender"}},
    Entry<DropReason>{DropReason::kVersion,
                      {"another version of VRRP than this router runs", "set the peer to version 3"}},
    Entry<DropReason>{DropReason::kType, {"no advertisement", "look for a faulty sender"}},
    Entry<DropReason>{DropReason::kAddrCount, {"an advertisement without addresses", "correct the peer"}},
    Entry<DropReason>{DropReason::kLength,
                      {"length and number of addresses do not agree", "look for a faulty sender"}},
    Entry<DropReason>{
        DropReason::kChecksum,
        {"the checksum is wrong in both forms that are in use", "look for a faulty sender or network card"}},
    Entry<DropReason>{
        DropReason::kVrid,
        {"for a virtual router that this node does not run", "nothing: others use this segment too"}},
    Entry<DropReason>{DropReason::kIntervalZero,
                      {"an advertisement interval of zero", "correct the peer's interval"}},
    Entry<DropReason>{
        DropReason::kFirstNotLinklocal,
        {"the first IPv6 address is not link-local", "correct the order of addresses at the peer"}},
    Entry<DropReason>{
        DropReason::kAuthType,
        {"another kind of authentication (version 2)", "set the same authentication on all nodes"}},
    Entry<DropReason>{
        DropReason::kAuthFail,
        {"the authentication data does not match (version 2)", "set the same password on all nodes"}},
    Entry<DropReason>{DropReason::kIntervalMismatch,
                      {"another interval than ours (version 2)", "set the same interval on all nodes"}},
    Entry<DropReason>{DropReason::kSource,
                      {"a unicast advertisement from a node that is no peer", "add the sender to the peers"}},
};

// A new enumerator that nobody explains, or one explained twice, does not compile.
template <class Entries, class Values>
constexpr bool explains_each_once(const Entries& entries, const Values& values) {
  return entries.size() == values.size() && std::all_of(values.begin(), values.end(), [&](auto value) {
           return std::count_if(entries.begin(), entries.end(),
                                [&](const auto& entry) { return entry.value == value; }) == 1;
         });
}
static_assert(explains_each_once(kStates, kAllStateValues), "explain the new enumerator above");
static_assert(explains_each_once(kReasons, kAllReasonValues), "explain the new enumerator above");
static_assert(explains_each_once(kDrops, kAllDropReasonValues), "explain the new enumerator above");

template <class Entries, class Enum>
Guide find(const Entries& entries, Enum value) noexcept {
  const auto it =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.value == value; });
  return it == entries.end() ? Guide{} : it->guide;
}

}  // namespace

Guide guide(State state) noexcept {
  return find(kStates, state);
}
Guide guide(Reason reason) noexcept {
  return find(kReasons, reason);
}
Guide guide(DropReason reason) noexcept {
  return find(kDrops, reason);
}

std::optional<Guide> guide_of_reason(int number) noexcept {
  for (const auto& entry : kReasons) {
    if (static_cast<int>(entry.value) == number) return entry.guide;
  }
  return std::nullopt;
}

}  // namespace vipra::cli
