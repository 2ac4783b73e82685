#include <array>

#include "sim/lint/lint_codes.h"

namespace waypath::sim {
namespace {

using model::Severity;
constexpr auto kLint = CodeInfo::Kind::Lint;
constexpr std::string_view kApi = "kubernetes staging/src/k8s.io/api/networking/v1/types.go";
constexpr std::string_view kAdminApi = "kubernetes-sigs/network-policy-api apis/v1alpha1, apis/v1alpha2";
constexpr std::string_view kAmbient = "istio.io docs/ambient/usage/networkpolicy";

const std::array kRows{
    LintCode{
        {kLintHboneIngress, kLint, "an ingress rule cuts meshed peers off: it lists no 15008",
         "Pods in the mesh connect to each other by HBONE on TCP 15008; a NetworkPolicy sees that port and "
         "never "
         "the application's. A rule that lists application ports alone lets only clients outside the mesh "
         "in. "
         "Reported when the rule has a peer in the mesh, a port that the pods serve, and no other rule lets "
         "that "
         "peer in on 15008.",
         "Add TCP 15008 to the ports of the rule. It opens every port to that peer: restrict ports with an "
         "AuthorizationPolicy at the pods.",
         kAmbient},
        Severity::Error},
    LintCode{
        {kLintHboneEgress, kLint, "an egress rule cuts meshed peers off: it lists no 15008",
         "ztunnel, gateways and waypoints connect to pods in the mesh on TCP 15008, so an egress rule that "
         "lists "
         "application ports alone drops them. Reported when a pod that the policy selects is in the mesh, "
         "the rule "
         "has a meshed peer that serves one of the ports, and no other rule lets it out on 15008.",
         "Add TCP 15008 to the ports of the rule, and keep the others for peers outside the mesh.", kAmbient},
        Severity::Error},
    LintCode{
        {kLintHboneOpensAll, kLint, "15008 makes the rule's other ports moot for meshed peers",
         "HBONE carries connections to any port of the pod, and a NetworkPolicy does not see which. A rule "
         "with "
         "application ports and 15008 therefore lets meshed peers reach every port; the listed ones limit "
         "only "
         "clients outside the mesh. Reported where no AuthorizationPolicy at the pods names ports.",
         "Name the ports in an AuthorizationPolicy that selects the pods: ztunnel compares them with the "
         "connection inside the tunnel.",
         "ztunnel src/proxy/inbound.rs; istio.io docs/ambient/usage/networkpolicy"},
        Severity::Info},
    LintCode{{kLintHboneLabel, kLint, "the label of an injected HBONE port without the port",
              "bb-common labels the policies to which it added TCP 15008. The label is for people and "
              "changes nothing; "
              "where it stands without the port, the policy was edited or the injection failed, and meshed "
              "peers are "
              "cut off.",
              "Add the port, or remove the label.", "bb-common chart/templates (HBONE port injection)"},
             Severity::Warning},
    LintCode{
        {kLintNetpolSelectsNothing, kLint, "a NetworkPolicy selects no pod",
         "podSelector looks at pods of the policy's own namespace. A policy that selects none isolates "
         "nothing and "
         "allows nothing. A warning when a pod nearly has the labels (one value off, the value under another "
         "label, another namespace), a remark otherwise: the pods may not be among the manifests. Pods that "
         "istiod "
         "makes for a waypoint carry gateway.networking.k8s.io/gateway-name, not app.kubernetes.io/name.",
         "Correct the selector; for waypoints select gateway.networking.k8s.io/gateway-name.", kApi},
        Severity::Info},
    LintCode{{kLintNetpolPeerNothing, kLint, "a peer of a rule is no pod",
              "namespaceSelector and podSelector of one peer are both asked, and pods that use the node's "
              "network are "
              "matched by neither. A peer that matches nobody allows nothing. A warning when something "
              "nearly matches "
              "or only hostNetwork pods do, a remark otherwise.",
              "Correct the selectors; use ipBlock with the nodes' addresses for hostNetwork pods.", kApi},
             Severity::Info},
    LintCode{{kLintNetpolSection, kLint, "rules for a direction that policyTypes leaves out",
              "When policyTypes is written, only the directions it lists count: rules of the other are "
              "stored and never "
              "read. Without policyTypes a policy is for ingress, and for egress too if it has egress rules.",
              "Add the direction to policyTypes, or remove the rules.", kApi},
             Severity::Warning},
    LintCode{
        {kLintNetpolNamedPort, kLint, "a named port that no destination declares",
         "A port name is looked up among the container ports of each destination pod, with the entry's "
         "protocol; "
         "where it is missing the entry matches nothing. Addresses of an ipBlock declare no ports. Names of "
         "Service ports do not count.",
         "Write the number, or the name that the containers give.", kApi},
        Severity::Warning},
    LintCode{{kLintNetpolHostNetwork, kLint, "a NetworkPolicy selects hostNetwork pods alone",
              "A pod that uses the node's network has the node's address; plugins treat its traffic as the "
              "node's and "
              "apply no pod policy to it.",
              "Protect it with a host firewall or a policy kind of the plugin for nodes.",
              "kubernetes.io docs/concepts/services-networking/network-policies (hostNetwork pods)"},
             Severity::Warning},
    LintCode{{kLintNetpolRedundant, kLint, "another rule already allows all that this one allows",
              "Rules and policies only add. A rule whose peers and ports are covered by a rule that applies "
              "to the same "
              "pods changes nothing; it hides that the wider rule is what holds. Covered is meant of the "
              "selectors as "
              "written, whatever pods there are.",
              "Remove the narrower rule, or narrow the wider one if that was meant.", kApi},
             Severity::Info},
    LintCode{{kLintNetpolOneSided, kLint, "only one end of a connection is allowed",
              "A connection between two pods needs egress at the client and ingress at the server, wherever "
              "these are "
              "isolated. Here a rule names its peers, and at no such peer does a rule let the other half "
              "through: the "
              "rule has no effect.",
              "Write the other half, or remove this one.",
              "kubernetes.io docs/concepts/services-networking/network-policies"},
             Severity::Warning},
    LintCode{
        {kLintNetpolDns, kLint, "pods cannot ask the name server",
         "A pod that is isolated for egress needs a rule for the cluster's name server on port 53, and the "
         "name "
         "server's own ingress has to admit it. ztunnel answers names of Services for captured pods with DNS "
         "capture itself, so for these only names outside the mesh are lost, and the finding is a remark. "
         "Pods "
         "whose policies allow no egress at all are left out.",
         "Allow egress to kube-system, k8s-app: kube-dns on UDP and TCP 53.", "ztunnel src/dns/server.rs"},
        Severity::Warning},
    LintCode{{kLintNetpolIstiod, kLint, "a proxy cannot reach istiod",
              "Waypoints, gateways, sidecars and ztunnel get configuration and certificates from istiod on "
              "TCP 15012. "
              "What runs keeps its last configuration; after a restart, or when the certificate runs out, "
              "the proxy "
              "serves nothing.",
              "Allow egress of the proxies to istiod on TCP 15012 and ingress there.",
              "istio manifests/charts/istio-control/istio-discovery (ports); files/waypoint.yaml"},
             Severity::Warning},
    LintCode{
        {kLintNetpolProbes, kLint, "policies may drop the kubelet's probes of captured pods",
         "istio-cni gives probes of captured pods the source address 169.254.7.127, so that ztunnel lets "
         "them "
         "pass. A CNI that exempts the pod's node by address does not know it and holds it against policies: "
         "the pod never gets ready. An error with --cni cilium, a warning when the CNI is not known.",
         "Allow ingress from ipBlock 169.254.7.127/32 (and fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128); or "
         "name a "
         "CNI that needs none with --cni.",
         kAmbient},
        Severity::Warning},
    LintCode{{kLintAdminPriority, kLint, "cluster-scoped policies of one priority meet at a pod",
              "Policies of a tier are asked by priority, lowest first, and the first rule that matches "
              "decides. The API "
              "leaves the order of equal priorities open. Reported when both apply to a pod and their "
              "actions differ.",
              "Give each policy its own priority.", kAdminApi},
             Severity::Warning},
    LintCode{
        {kLintAdminSelectsNothing, kLint, "a cluster-scoped policy has no subject",
         "spec.subject selects namespaces, or pods in them. When it matches none the policy does nothing.",
         "Correct the selectors.", kAdminApi},
        Severity::Warning},
    LintCode{{kLintAdminHbone, kLint, "a Deny of application ports does not see meshed traffic",
              "Between pods in the mesh the wire carries TCP 15008. A Deny or Pass rule for the "
              "application's port "
              "never matches there, and the connection goes on to the rules and tiers that follow.",
              "Deny TCP 15008 between these pods, or refuse the port with a DENY AuthorizationPolicy at the "
              "destination.",
              kAmbient},
             Severity::Error},
    LintCode{{kLintAdminShadowed, kLint, "a rule of a cluster-scoped policy is never reached",
              "In a tier the first rule that matches decides, by priority and then by place. A rule whose "
              "subjects, peers and ports a rule asked before all matches has no effect; a warning when the "
              "two do different things. The Baseline tier is asked only for pods that no NetworkPolicy "
              "isolates: with all of its subject isolated none of its rules ever is, which is a remark.",
              "Move the rule before the other, narrow the other, or remove the rule.", kAdminApi},
             Severity::Warning},
    LintCode{{kLintAdminMixed, kLint, "AdminNetworkPolicy and ClusterNetworkPolicy meet at a pod",
              "ClusterNetworkPolicy replaces AdminNetworkPolicy and BaselineAdminNetworkPolicy. No rule of "
              "either API says in which order policies of both kinds are asked, and plugins implement one "
              "of them. They are asked by priority here, whatever kind they have.",
              "Write the older policies as ClusterNetworkPolicies of the same tier and priority.", kAdminApi},
             Severity::Warning},
    LintCode{
        {kLintNetpolOverruled, kLint, "the Admin tier denies all that a rule allows",
         "AdminNetworkPolicies, and ClusterNetworkPolicies of the Admin tier, are asked before any "
         "NetworkPolicy, and their Deny is final. A rule of a NetworkPolicy whose peers and ports they "
         "all deny, for every pod of the policy, allows nothing.",
         "Remove the rule; or ask whoever owns the Admin tier for a Pass rule before the Deny.", kAdminApi},
        Severity::Warning},
    LintCode{{kLintCniNothing, kLint, "the network plugin enforces no policies",
              "NetworkPolicies are enforced by the network plugin. flannel connects pods and enforces "
              "nothing; without a policy engine beside it every policy is stored and none is applied, while "
              "waypath judges by them.",
              "Run a plugin that enforces policies, or a policy engine beside it.",
              "kubernetes.io docs/concepts/services-networking/network-policies (prerequisites); "
              "flannel-io/flannel README"},
             Severity::Warning},
    LintCode{{kLintCniOther, kLint, "policies are judged as another plugin does",
              "Plugins differ where the API leaves room: whether an ipBlock selects pods and nodes, whether "
              "the kubelet's probes are judged, whether a refused connection is dropped or answered. The "
              "plugin's own DaemonSet is among the manifests, and --cni does not name it.",
              "Give --cni as the finding says.",
              "docs.cilium.io network/kubernetes/policy; docs.tigera.io host endpoints"},
             Severity::Info},
};

}  // namespace

std::span<const LintCode> lint_codes_netpol() { return kRows; }

}  // namespace waypath::sim
