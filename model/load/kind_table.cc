#include "model/load/kind_table.h"

#include <algorithm>
#include <array>

namespace waypath::model {
namespace {

constexpr auto kModelled = KindSupport::Modelled;
constexpr auto kUnmodelled = KindSupport::Unmodelled;
constexpr auto kMakesPods = KindSupport::MakesPods;
constexpr auto kNoEffect = KindSupport::NoEffect;
constexpr std::string_view kGatewayApi = "gateway.networking.k8s.io";
constexpr std::string_view kGatewayApiX = "gateway.networking.x-k8s.io";
constexpr std::string_view kPolicyApi = "policy.networking.k8s.io";
constexpr std::string_view kSecurity = "security.istio.io";
constexpr std::string_view kNetworking = "networking.istio.io";
constexpr std::string_view kStrimziVersions = "v1,v1beta2";
constexpr std::string_view kIstioVersions = "v1,v1beta1,v1alpha3";

constexpr std::array kKinds{
    KindRow{"", "Namespace", kModelled, false, decode_namespace, "v1", ""},
    KindRow{"", "Node", kModelled, false, decode_node, "v1", ""},
    KindRow{"", "Pod", kModelled, true, decode_pod, "v1", ""},
    KindRow{"", "ServiceAccount", kModelled, true, decode_service_account, "v1", ""},
    KindRow{"", "ConfigMap", kModelled, true, decode_config_map, "v1", ""},
    KindRow{"", "Secret", kModelled, true, decode_config_map, "v1", ""},
    KindRow{"", "Service", kModelled, true, decode_service, "v1", ""},
    KindRow{"", "Endpoints", kModelled, true, decode_endpoints, "v1", ""},
    KindRow{"", "ReplicationController", kModelled, true, decode_workload, "v1", ""},
    KindRow{"apps", "Deployment", kModelled, true, decode_workload, "v1", ""},
    KindRow{"apps", "ReplicaSet", kModelled, true, decode_workload, "v1", ""},
    KindRow{"apps", "StatefulSet", kModelled, true, decode_workload, "v1", ""},
    KindRow{"apps", "DaemonSet", kModelled, true, decode_workload, "v1", ""},
    KindRow{"batch", "Job", kModelled, true, decode_workload, "v1", ""},
    KindRow{"batch", "CronJob", kModelled, true, decode_workload, "v1,v1beta1", ""},
    KindRow{"discovery.k8s.io", "EndpointSlice", kModelled, true, decode_endpoint_slice, "v1,v1beta1", ""},
    KindRow{"networking.k8s.io", "Ingress", kModelled, true, decode_ingress, "v1", ""},
    KindRow{"networking.k8s.io", "IngressClass", kModelled, false, decode_ingress_class, "v1", ""},
    KindRow{"networking.k8s.io", "NetworkPolicy", kModelled, true, decode_network_policy, "v1", ""},
    KindRow{"extensions", "NetworkPolicy", kModelled, true, decode_network_policy, "v1beta1", ""},
    KindRow{kPolicyApi, "AdminNetworkPolicy", kModelled, false, decode_admin_network_policy, "v1alpha1", ""},
    KindRow{kPolicyApi, "BaselineAdminNetworkPolicy", kModelled, false, decode_admin_network_policy,
            "v1alpha1", ""},
    KindRow{kPolicyApi, "ClusterNetworkPolicy", kModelled, false, decode_cluster_network_policy, "v1alpha2",
            ""},
    KindRow{kGatewayApi, "GatewayClass", kModelled, false, decode_gateway_class, "v1,v1beta1", ""},
    KindRow{kGatewayApi, "Gateway", kModelled, true, decode_gateway, "v1,v1beta1", ""},
    KindRow{kGatewayApi, "HTTPRoute", kModelled, true, decode_http_route, "v1,v1beta1", ""},
    KindRow{kGatewayApi, "GRPCRoute", kModelled, true, decode_grpc_route, "v1,v1alpha2", ""},
    KindRow{kGatewayApi, "TLSRoute", kModelled, true, decode_l4_route, "v1,v1alpha2,v1alpha3", ""},
    KindRow{kGatewayApi, "TCPRoute", kModelled, true, decode_l4_route, "v1,v1alpha2", ""},
    KindRow{kGatewayApi, "UDPRoute", kModelled, true, decode_l4_route, "v1,v1alpha2", ""},
    KindRow{kGatewayApi, "ListenerSet", kModelled, true, decode_listener_set, "v1,v1alpha1", ""},
    KindRow{kGatewayApiX, "XListenerSet", kModelled, true, decode_listener_set, "v1alpha1", ""},
    KindRow{kGatewayApi, "ReferenceGrant", kModelled, true, decode_reference_grant, "v1,v1beta1,v1alpha2",
            ""},
    KindRow{kGatewayApi, "BackendTLSPolicy", kModelled, true, decode_backend_tls_policy,
            "v1,v1alpha3,v1alpha2", ""},
    KindRow{kSecurity, "AuthorizationPolicy", kModelled, true, decode_authorization_policy, "v1,v1beta1", ""},
    KindRow{kSecurity, "RequestAuthentication", kModelled, true, decode_request_authentication, "v1,v1beta1",
            ""},
    KindRow{kSecurity, "PeerAuthentication", kModelled, true, decode_peer_authentication, "v1,v1beta1", ""},
    KindRow{kNetworking, "Gateway", kModelled, true, decode_istio_gateway, kIstioVersions, ""},
    KindRow{kNetworking, "VirtualService", kModelled, true, decode_virtual_service, kIstioVersions, ""},
    KindRow{kNetworking, "DestinationRule", kModelled, true, decode_destination_rule, kIstioVersions, ""},
    KindRow{kNetworking, "ServiceEntry", kModelled, true, decode_service_entry, kIstioVersions, ""},
    KindRow{kNetworking, "WorkloadEntry", kModelled, true, decode_workload_entry, kIstioVersions, ""},
    KindRow{kNetworking, "Sidecar", kModelled, true, decode_sidecar, kIstioVersions, ""},

    KindRow{kNetworking, "EnvoyFilter", kUnmodelled, true, decode_unmodelled, kIstioVersions,
            "it can change anything a sidecar, gateway or waypoint does"},
    KindRow{"extensions.istio.io", "WasmPlugin", kUnmodelled, true, decode_unmodelled, "v1alpha1",
            "its module can refuse or change requests at the proxies it selects"},
    KindRow{kNetworking, "ProxyConfig", kUnmodelled, true, decode_unmodelled, "v1beta1",
            "its settings can change how the selected proxies behave"},
    KindRow{kGatewayApiX, "XBackendTrafficPolicy", kNoEffect, true, nullptr, "", ""},
    KindRow{kGatewayApiX, "XBackend", kUnmodelled, true, decode_unmodelled, "v1alpha1",
            "routes to it have no known backend"},
    KindRow{"inference.networking.k8s.io", "InferencePool", kUnmodelled, true, decode_unmodelled, "v1",
            "routes to it have no known backend"},
    KindRow{"route.openshift.io", "Route", kUnmodelled, true, decode_openshift_route, "v1",
            "its router is not modelled: what becomes of requests for its host is unknown"},
    KindRow{"cilium.io", "CiliumNetworkPolicy", kUnmodelled, true, decode_unmodelled, "v2",
            "it can drop connections of the pods it selects"},
    KindRow{"cilium.io", "CiliumClusterwideNetworkPolicy", kUnmodelled, false, decode_unmodelled, "v2",
            "it can drop connections of any pod"},
    KindRow{"projectcalico.org", "NetworkPolicy", kUnmodelled, true, decode_unmodelled, "v3",
            "it can drop connections of the pods it selects"},
    KindRow{"projectcalico.org", "GlobalNetworkPolicy", kUnmodelled, false, decode_unmodelled, "v3",
            "it can drop connections of any pod"},
    KindRow{"crd.projectcalico.org", "NetworkPolicy", kUnmodelled, true, decode_unmodelled, "v1",
            "it can drop connections of the pods it selects"},
    KindRow{"crd.projectcalico.org", "GlobalNetworkPolicy", kUnmodelled, false, decode_unmodelled, "v1",
            "it can drop connections of any pod"},
    KindRow{"k8s.ovn.org", "EgressFirewall", kUnmodelled, true, decode_unmodelled, "v1",
            "it can drop connections that leave the cluster"},
    // Source: ovn-kubernetes go-controller/pkg/crd/userdefinednetwork/v1
    KindRow{"k8s.ovn.org", "UserDefinedNetwork", kUnmodelled, true, decode_unmodelled, "v1",
            "pods on a primary network of their own reach no others, and none reach them"},
    KindRow{"k8s.ovn.org", "ClusterUserDefinedNetwork", kUnmodelled, false, decode_unmodelled, "v1",
            "pods on a primary network of their own reach no others, and none reach them"},
    // Source: openshift/api network/v1
    KindRow{"network.openshift.io", "EgressNetworkPolicy", kUnmodelled, true, decode_unmodelled, "v1",
            "it can drop connections that leave the cluster"},
    // Source: antrea-io/antrea pkg/apis/crd/v1beta1
    KindRow{"crd.antrea.io", "NetworkPolicy", kUnmodelled, true, decode_unmodelled, "v1beta1,v1alpha1",
            "it can drop connections of the pods it selects, or let them through before NetworkPolicies"},
    KindRow{"crd.antrea.io", "ClusterNetworkPolicy", kUnmodelled, false, decode_unmodelled,
            "v1beta1,v1alpha1",
            "it can drop connections of any pod, or let them through before NetworkPolicies"},
    // Source: aws/amazon-network-policy-controller-k8s api/v1alpha1
    KindRow{"networking.k8s.aws", "ApplicationNetworkPolicy", kUnmodelled, true, decode_unmodelled,
            "v1alpha1", "it isolates the pods it selects, and lets through what its rules name"},
    KindRow{"networking.k8s.aws", "ClusterNetworkPolicy", kUnmodelled, false, decode_unmodelled, "v1alpha1",
            "it can drop connections of any pod, or let them through before NetworkPolicies"},
    // Source: the FQDN network policies of Google Kubernetes Engine's documentation
    KindRow{"networking.gke.io", "FQDNNetworkPolicy", kUnmodelled, true, decode_unmodelled,
            "v1alpha1,v1alpha3", "it isolates the pods it selects for egress, and lets names through"},

    // Controllers that take a pod template as Kubernetes' own do. Source: argoproj/argo-rollouts
    // pkg/apis/rollouts/v1alpha1, openshift/api apps/v1, openkruise/kruise apis/apps
    KindRow{"argoproj.io", "Rollout", kModelled, true, decode_rollout, "v1alpha1", ""},
    KindRow{"apps.openshift.io", "DeploymentConfig", kModelled, true, decode_workload, "v1", ""},
    KindRow{"apps.kruise.io", "CloneSet", kModelled, true, decode_workload, "v1alpha1", ""},
    KindRow{"apps.kruise.io", "StatefulSet", kModelled, true, decode_workload, "v1beta1,v1alpha1", ""},
    KindRow{"apps.kruise.io", "DaemonSet", kModelled, true, decode_workload, "v1alpha1", ""},
    // Kinds whose operators make pods in the object's namespace. Source: the API reference of each group.
    KindRow{"monitoring.coreos.com", "Prometheus", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"monitoring.coreos.com", "PrometheusAgent", kMakesPods, true, decode_unmodelled, "v1alpha1", ""},
    KindRow{"monitoring.coreos.com", "Alertmanager", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"monitoring.coreos.com", "ThanosRuler", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"kafka.strimzi.io", "Kafka", kMakesPods, true, decode_unmodelled, kStrimziVersions, ""},
    KindRow{"kafka.strimzi.io", "KafkaBridge", kMakesPods, true, decode_unmodelled, kStrimziVersions, ""},
    KindRow{"kafka.strimzi.io", "KafkaConnect", kMakesPods, true, decode_unmodelled, kStrimziVersions, ""},
    KindRow{"kafka.strimzi.io", "KafkaMirrorMaker2", kMakesPods, true, decode_unmodelled, kStrimziVersions,
            ""},
    KindRow{"serving.knative.dev", "Service", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"serving.kserve.io", "InferenceService", kMakesPods, true, decode_unmodelled, "v1beta1", ""},
    KindRow{"elasticsearch.k8s.elastic.co", "Elasticsearch", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"kibana.k8s.elastic.co", "Kibana", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"logstash.k8s.elastic.co", "Logstash", kMakesPods, true, decode_unmodelled, "v1alpha1", ""},
    KindRow{"opensearch.opster.io", "OpenSearchCluster", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"postgresql.cnpg.io", "Cluster", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"postgresql.cnpg.io", "Pooler", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"acid.zalan.do", "postgresql", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"postgres-operator.crunchydata.com", "PostgresCluster", kMakesPods, true, decode_unmodelled,
            "v1beta1", ""},
    KindRow{"mongodbcommunity.mongodb.com", "MongoDBCommunity", kMakesPods, true, decode_unmodelled, "v1",
            ""},
    KindRow{"rabbitmq.com", "RabbitmqCluster", kMakesPods, true, decode_unmodelled, "v1beta1", ""},
    KindRow{"redis.redis.opstreelabs.in", "Redis", kMakesPods, true, decode_unmodelled, "v1beta2,v1beta1",
            ""},
    KindRow{"minio.min.io", "Tenant", kMakesPods, true, decode_unmodelled, "v2", ""},
    KindRow{"k8s.keycloak.org", "Keycloak", kMakesPods, true, decode_unmodelled, "v2beta1,v2alpha1", ""},
    KindRow{"opentelemetry.io", "OpenTelemetryCollector", kMakesPods, true, decode_unmodelled,
            "v1beta1,v1alpha1", ""},
    KindRow{"jaegertracing.io", "Jaeger", kMakesPods, true, decode_unmodelled, "v1", ""},
    KindRow{"grafana.integreatly.org", "Grafana", kMakesPods, true, decode_unmodelled, "v1beta1", ""},
    KindRow{"tempo.grafana.com", "TempoStack", kMakesPods, true, decode_unmodelled, "v1alpha1", ""},
    KindRow{"loki.grafana.com", "LokiStack", kMakesPods, true, decode_unmodelled, "v1", ""},

    KindRow{"networking.istio.io", "WorkloadGroup", kNoEffect, true, nullptr, "", ""},
    KindRow{"telemetry.istio.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"", "Event", kNoEffect, true, nullptr, "", ""},
    KindRow{"", "LimitRange", kNoEffect, true, nullptr, "", ""},
    KindRow{"", "ResourceQuota", kNoEffect, true, nullptr, "", ""},
    KindRow{"", "PersistentVolume", kNoEffect, false, nullptr, "", ""},
    KindRow{"", "PersistentVolumeClaim", kNoEffect, true, nullptr, "", ""},
    KindRow{"", "PodTemplate", kNoEffect, true, nullptr, "", ""},
    KindRow{"", "ComponentStatus", kNoEffect, false, nullptr, "", ""},
    KindRow{"", "Binding", kNoEffect, true, nullptr, "", ""},
    KindRow{"apps", "ControllerRevision", kNoEffect, true, nullptr, "", ""},
    KindRow{"events.k8s.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"rbac.authorization.k8s.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"apiextensions.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"apiregistration.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"admissionregistration.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"autoscaling", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"policy", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"storage.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"scheduling.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"coordination.k8s.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"node.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"certificates.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"flowcontrol.apiserver.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"authentication.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"authorization.k8s.io", "*", kNoEffect, false, nullptr, "", ""},
    KindRow{"snapshot.storage.k8s.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"metrics.k8s.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"monitoring.coreos.com", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"cert-manager.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"acme.cert-manager.io", "*", kNoEffect, true, nullptr, "", ""},
    KindRow{"kustomize.config.k8s.io", "*", kNoEffect, true, nullptr, "",
            "its patches, generators and what lies elsewhere are not built in"},
    KindRow{"waypath.dev", "*", kNoEffect, true, nullptr, "", ""},
};

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view p) { return text.find(p) != std::string_view::npos; });
}

}  // namespace

std::span<const KindRow> kind_table() { return kKinds; }

const KindRow* find_kind(std::string_view group, std::string_view kind) {
  const KindRow* whole_group = nullptr;
  for (const auto& row : kKinds) {
    if (row.group != group) continue;
    if (row.kind == kind) return &row;
    if (row.kind == "*") whole_group = &row;
  }
  return whole_group;
}

bool makes_pods(std::string_view group, std::string_view kind) {
  const KindRow* row = find_kind(group, kind);
  return (row != nullptr && row->support == KindSupport::MakesPods) ||
         (group == "argoproj.io" && kind == "Rollout");
}

std::pair<std::string_view, std::string_view> split_api_version(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos) return {{}, api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

bool config_matters(std::string_view kind, std::string_view name, std::string_view text) {
  if (kind == "ConfigMap") {
    if (name == "istio-cni-config") return true;
    if (name == "istio" || name.substr(0, 6) == "istio-")
      return has_any(text, {"mesh:", "\"mesh\"", "CNI", "AMBIENT"});
    // Patches of a Gateway's objects (model/derive_overlay.h) are texts; "chains" are an authservice's.
    return has_any(text, {"chains", "deployment: |", "deployment: \"", "\"deployment\":", "service: |",
                          "service: \"", "\"service\":"});
  }
  if (has_any(text, {"helm.sh/release", "kubernetes.io/tls", "kubernetes.io/service-account-token",
                     "kubernetes.io/dockerconfigjson"}))
    return false;
  // "chains" as text, or within base64 data at any of the three alignments.
  return has_any(text, {"chains", "Y2hhaW5z", "NoYWluc", "jaGFpbn"});
}

}  // namespace waypath::model
