#include <array>

#include "sim/lint/lint_codes.h"

namespace waypath::sim {
namespace {

using model::Severity;
constexpr auto kLint = CodeInfo::Kind::Lint;
constexpr std::string_view kConversion = "istio pilot/pkg/config/kube/gateway/conversion.go";

const std::array kRows{
    LintCode{{kLintRouteDetached, kLint, "a route attaches to no listener of its Gateway",
              "Each parentRef needs a listener of that name and port that is programmed, admits the route's "
              "namespace "
              "and kind, and shares a hostname with it. A route that attaches nowhere counts for nothing: "
              "its requests "
              "go to other routes or get 404.",
              "See which condition fails; allowedRoutes admits only the Gateway's own namespace by default.",
              "istio pilot/pkg/config/kube/gateway/conversion.go referenceAllowed"},
             Severity::Error},
    LintCode{{kLintRouteDropped, kLint, "Istio drops the route, or a rule of it",
              "Some mistakes cost the whole route: a filter that Istio does not support, a backendRef "
              "without port. "
              "Others cost a rule: a delegate that does not exist or has hosts, an Ingress backend whose "
              "port name is "
              "not found.",
              "Remove or correct what the message names.",
              "istio pilot/pkg/config/kube/gateway/conversion.go convertHTTPRoute"},
             Severity::Error},
    LintCode{{kLintRouteBackend, kLint, "a backend that no proxy can reach",
              "The destination is not in the registry that the proxy sees, lacks the port or the subset, or "
              "is of a kind "
              "that Istio does not serve: its share of the requests gets 500 (Gateway API) or 503 "
              "(VirtualService).",
              "Correct host, port or subset; ports are those of the Service; short names of a VirtualService "
              "resolve in "
              "its own namespace.",
              "istio pilot/pkg/networking/core/route/route.go GetDestinationCluster"},
             Severity::Error},
    LintCode{
        {kLintRouteGrant, kLint, "no ReferenceGrant permits a backend of another namespace",
         "A route of a Gateway may send to a Service of another namespace only when a ReferenceGrant in that "
         "namespace says so; its share of the requests is answered 500 otherwise. Routes with a Service as "
         "parent "
         "need none.",
         "Create a ReferenceGrant in the Service's namespace, from HTTPRoute of the route's namespace to "
         "Service.",
         "gateway-api apis/v1/referencegrant_types.go"},
        Severity::Error},
    LintCode{
        {kLintRouteShadowed, kLint, "a rule that an earlier one always takes first",
         "A proxy takes the first rule that matches: VirtualServices in the order written, HTTPRoutes by the "
         "precedence of their matches and then by age and name. A rule after a catch-all, after the same "
         "conditions, or after a prefix that covers its path and asks nothing else, never gets a request.",
         "Put the narrower rule first, or remove it.",
         "istio pilot/pkg/networking/core/route/route.go; pilot/pkg/config/kube/gateway/conversion.go "
         "sortHTTPRoutes"},
        Severity::Warning},
    LintCode{
        {kLintRouteMixed, kLint, "VirtualService and HTTPRoute for one Service at a waypoint",
         "Istio supports one of the two APIs at a waypoint; with both for a Service which of them holds is "
         "not "
         "defined.",
         "Write all routes of the Service in one API.", "istio.io docs/ambient/migrate/migrate-policies"},
        Severity::Warning},
    LintCode{{kLintRouteNoWaypoint, kLint, "a mesh route for a Service without a waypoint",
              "ztunnel forwards connections by address and evaluates no routes. An HTTPRoute with a Service "
              "as parent, or "
              "a VirtualService for the mesh, has an effect for captured clients only at the Service's "
              "waypoint. A "
              "remark when sidecars apply it, or gateways too.",
              "Bind the Service to a waypoint with istio.io/use-waypoint.",
              "istio pilot/pkg/config/kube/gateway/conversion.go (WaypointMissing)"},
             Severity::Warning},
    LintCode{{kLintRouteConsumer, kLint, "a route that the waypoint does not read",
              "A waypoint takes routes from the Service's namespace and from its own. Routes of a client's "
              "namespace "
              "(consumer routes) work at sidecars only.",
              "Move the route to the Service's namespace.",
              "istio pilot/pkg/networking/core/listener_waypoint.go getVirtualServiceForWaypoint"},
             Severity::Warning},
    LintCode{
        {kLintRouteSource, kLint, "a match on the client that a waypoint does not make",
         "sourceLabels and sourceNamespace of a VirtualService compare the client's proxy. At a waypoint "
         "that is the waypoint itself: sourceLabels are dropped (since Istio 1.25), so that the rule matches "
         "more than is written, and sourceNamespace is compared with the waypoint's namespace.",
         "Route by headers or paths, or keep clients out with an AuthorizationPolicy at the waypoint.",
         "istio pilot/pkg/networking/core/listener_waypoint.go; core/route/route.go sourceMatchHTTP"},
        Severity::Warning},
    LintCode{{kLintRouteSameHost, kLint, "two VirtualServices for one host in the mesh",
              "A sidecar takes the oldest VirtualService of a host and ignores the others; waypoints join "
              "them since "
              "Istio 1.30 (1.28.6, 1.29.2). Gateways join them in order of age.",
              "Join them into one.", "istio pilot/pkg/networking/core/route/route.go"},
             Severity::Warning},
    LintCode{
        {kLintListener, kLint, "a listener or server that does not serve",
         "Istio programs no listener for an unsupported protocol, TLS without a usable certificateRef, a "
         "hostname "
         "that an earlier one has on that port, or a port that the Service of a manual deployment lacks. TLS "
         "servers of classic Gateways that repeat a host are dropped.",
         "Correct the listener as the message says.",
         "istio pilot/pkg/config/kube/gateway/conversion.go buildListener; "
         "pilot/pkg/model/gateway.go mergeGateways"},
        Severity::Error},
    LintCode{{kLintGatewaySelectsNothing, kLint, "a Gateway whose selector fits no pod",
              "A classic Gateway configures the pods that its selector fits, in any namespace. Without one "
              "nothing "
              "listens.",
              "Correct the selector; the labels are those of the gateway's pods.",
              "istio pilot/pkg/model/push_context.go mergeGateways"},
             Severity::Warning},
    LintCode{{kLintVsGateway, kLint, "a route names a parent that does not exist",
              "parentRefs and a VirtualService's gateways are looked up by namespace and name; one that does "
              "not exist "
              "attaches the route to nothing.",
              "Correct name and namespace.", kConversion},
             Severity::Error},
    LintCode{
        {kLintServiceSelectsNothing, kLint, "a Service that selects no pod",
         "The Service has no endpoint: ztunnel and proxies answer no healthy upstream. A remark when a "
         "workload with these labels has no pods now, or when no pod of the namespace is given at all.",
         "Correct the selector, or deploy the pods.", "kubernetes staging/src/k8s.io/endpointslice/utils.go"},
        Severity::Warning},
    LintCode{{kLintServiceTargetPort, kLint, "a targetPort name that no container declares",
              "A named targetPort is looked up in each selected pod; a pod without it is left out of that "
              "port. Here no "
              "pod has it, so the port has no endpoint.",
              "Write the number, or the name that the containers give.",
              "kubernetes staging/src/k8s.io/endpointslice/utils.go FindPort"},
             Severity::Error},
    LintCode{
        {kLintServiceProtocol, kLint, "a port's protocol hides HTTP routes and token checks",
         "Istio parses HTTP on ports whose appProtocol or name says so, or says nothing. On ports declared "
         "as TCP, "
         "TLS or HTTPS a waypoint forwards bytes: HTTP routes and RequestAuthentication do nothing there.",
         "Set appProtocol: http, or rename the port, if it carries plain HTTP.",
         "istio pkg/config/kube/conversion.go ConvertProtocol"},
        Severity::Warning},
    LintCode{{kLintServiceEntryHost, kLint, "a ServiceEntry for the host of a Kubernetes Service",
              "Both are in the registry under one name: sidecars and gateways prefer one, ztunnel another, "
              "depending on "
              "the client's namespace and on addresses.",
              "Use a host of its own.", "istio pilot/pkg/serviceregistry/aggregate/controller.go"},
             Severity::Warning},
    LintCode{
        {kLintServiceEntryAddress, kLint, "a ServiceEntry with a waypoint and without an address",
         "A captured client is sent to a waypoint when it dials a service address. A ServiceEntry without "
         "addresses "
         "gets an allocated one only for STATIC and DNS resolution (DYNAMIC_DNS for wildcards), and with IP "
         "auto-allocation on; otherwise clients connect to what the name resolves to and skip the waypoint.",
         "Give it addresses, or a resolution for which one is allocated.",
         "istio pilot/pkg/serviceregistry/ambient/services.go constructServiceEntries"},
        Severity::Warning},
    LintCode{{kLintServiceEntrySelectsNothing, kLint, "a ServiceEntry without endpoints",
              "A workloadSelector that matches neither pods nor WorkloadEntries, or STATIC resolution "
              "without endpoints, "
              "leaves the host without a destination.",
              "Correct the selector, or list endpoints.",
              "istio pilot/pkg/serviceregistry/serviceentry/controller.go"},
             Severity::Warning},
    LintCode{{kLintIgnoreUnknown, kLint, "waypath.dev/lint-ignore names a code that does not exist",
              "The annotation silences findings about its object by code, separated by commas; * silences "
              "all. A code "
              "that lint does not have silences nothing.",
              "Correct the code.", "waypath sim/lint/lint_codes.h"},
             Severity::Warning},
};

}  // namespace

std::span<const LintCode> lint_codes_route() { return kRows; }

}  // namespace waypath::sim
