#include "sim/reasons/netpol.h"

#include <array>

namespace waypath::sim {
namespace {

constexpr auto kReason = CodeInfo::Kind::Reason;
constexpr auto kAssumption = CodeInfo::Kind::Assumption;
constexpr std::string_view kApi = "kubernetes staging/src/k8s.io/api/networking/v1/types.go";
constexpr std::string_view kAdminApi = "kubernetes-sigs/network-policy-api apis/v1alpha1, apis/v1alpha2";

constexpr std::array kRows{
    CodeInfo{kNetpolEgressHbonePort, kReason,
             "egress: the policy names the application port, the wire carries 15008",
             "Between meshed pods ambient tunnels connections as HBONE on TCP 15008. A NetworkPolicy sees "
             "that port and never the "
             "application's, so an egress rule that lists only the application port drops the tunnel.",
             "Add TCP 15008 to the ports of that rule; keep the application port for peers outside the mesh.",
             "istio.io/docs/ambient/usage/networkpolicy"},
    CodeInfo{kNetpolIngressHbonePort, kReason,
             "ingress: the policy names the application port, the wire carries 15008",
             "Between meshed pods ambient tunnels connections as HBONE on TCP 15008. A NetworkPolicy sees "
             "that port and never the "
             "application's, so an ingress rule that lists only the application port drops the tunnel.",
             "Add TCP 15008 to the ports of that rule; keep the application port for peers outside the mesh.",
             "istio.io/docs/ambient/usage/networkpolicy"},
    CodeInfo{kNetpolEgressPort, kReason, "egress: a rule matches the peer and not the port",
             "The pod's egress is isolated; a rule admits this destination on other ports only.",
             "Add the port to that rule.", kApi},
    CodeInfo{kNetpolIngressPort, kReason, "ingress: a rule matches the peer and not the port",
             "The pod's ingress is isolated; a rule admits this source on other ports only. Ports are those "
             "of the pod, not of the Service.",
             "Add the pod's port to that rule.", kApi},
    CodeInfo{
        kNetpolEgressDefaultDeny, kReason, "egress is isolated and no rule matches the destination",
        "Once any policy selects a pod for egress, only what some rule allows may leave it.",
        "Add an egress rule for this destination; the near misses tell which existing one comes closest.",
        kApi},
    CodeInfo{kNetpolIngressDefaultDeny, kReason, "ingress is isolated and no rule matches the source",
             "Once any policy selects a pod for ingress, only what some rule allows may reach it.",
             "Add an ingress rule for this source; the near misses tell which existing one comes closest.",
             kApi},
    CodeInfo{kNetpolAllow, kReason, "a rule allows the connection",
             "Policies only add: of all rules of all policies that isolate the pod in this direction one "
             "that has the peer and the port is enough.",
             "Nothing; narrow the rule if the connection should not pass.", kApi},
    CodeInfo{kNetpolNotIsolated, kReason, "no policy isolates this direction",
             "No NetworkPolicy of the pod's namespace selects it for this direction. Without one everything "
             "passes.",
             "Nothing; a policy with this direction in policyTypes isolates the pod.", kApi},
    CodeInfo{kNetpolNoMatch, kReason, "the rule does not match",
             "The rule's peers or ports differ from the connection's; the detail says in which. Ports are "
             "those on the wire: 15008 between meshed pods.",
             "Compare peer labels, namespace and port with the rule.", kApi},
    CodeInfo{kNetpolNodeLocal, kReason, "traffic from the pod's own node",
             "The API exempts traffic from the node a pod runs on, so that the kubelet can probe it. Some "
             "CNIs do not know the address 169.254.7.127 that probes of captured pods carry and judge them.",
             "Use --cni or the scenario's sim options when the CNI differs.", kApi},
    CodeInfo{
        kNetpolSelf, kReason, "a pod reaches itself",
        "A connection to a pod's own address stays in its network namespace and never meets its policies.",
        "Nothing.", "kubernetes.io/docs/concepts/services-networking/network-policies"},
    CodeInfo{kNetpolAddressUnknown, kReason, "an address that decides is not known",
             "An ipBlock rule could match, and the manifests do not tell the address (rendered manifests "
             "have no pod IPs).",
             "Give live pods with status.podIPs, or name the pod range with podCidrs.", kApi},
    CodeInfo{kAdminAccept, kReason, "an admin policy accepts",
             "The Admin tier is asked first, by priority. Accept (Allow) ends the question for this "
             "direction: NetworkPolicies are not asked, the other end still is.",
             "Nothing, if that is meant.", kAdminApi},
    CodeInfo{kAdminDeny, kReason, "an admin policy denies",
             "The Admin tier is asked before NetworkPolicies, which cannot overrule it. The first rule that "
             "matches, in order of priority, decides.",
             "Add a rule before it, or a policy of lower priority number.", kAdminApi},
    CodeInfo{kAdminPass, kReason, "an admin policy passes the question on",
             "Pass leaves the Admin tier for this connection: its remaining rules and policies are skipped, "
             "NetworkPolicies decide, and the Baseline tier where no NetworkPolicy isolates the pod.",
             "Nothing.", kAdminApi},
    CodeInfo{kBaselineAccept, kReason, "a baseline policy accepts",
             "The Baseline tier is asked last, for pods that no NetworkPolicy isolates in this direction, "
             "and accepts the connection.",
             "Nothing; a NetworkPolicy that selects the pod takes the decision over.", kAdminApi},
    CodeInfo{kBaselineDeny, kReason, "a baseline policy denies",
             "The Baseline tier is asked last, for pods that no NetworkPolicy isolates in this direction.",
             "A NetworkPolicy that selects the pod takes the decision over.", kAdminApi},
    CodeInfo{kAssumeNodeLocal, kAssumption, "the pod's own node is let through",
             "NetworkPolicy exempts node-local traffic; some CNIs judge kubelet probes of captured pods, "
             "which carry 169.254.7.127.",
             "Name the plugin with --cni, or set sim.probesSubjectToNetworkPolicy in the scenario; allowing "
             "169.254.7.127/32 is safe with all of them.",
             "istio.io/docs/ambient/usage/networkpolicy"},
    CodeInfo{kAssumeSelfPluginDependent, kAssumption, "a pod reaching itself through its Service is judged",
             "When a pod reaches itself through its own Service, the packet leaves and comes back. The API "
             "leaves open whether policies apply, and plugins differ; here both directions are judged.",
             "Allow the pod to itself to be safe.", kApi},
    CodeInfo{kAssumeIpBlockPods, kAssumption, "ipBlock is compared with addresses of pods",
             "The API leaves open whether address blocks select pods: most plugins compare addresses, Cilium "
             "knows pods by identity. Here the answer depends on it.",
             "Name the plugin with --cni; select pods by labels instead of addresses.", kApi},
};

}  // namespace

std::span<const CodeInfo> netpol_codes() { return kRows; }

}  // namespace waypath::sim
