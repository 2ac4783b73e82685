// Namespace, Node, Pod, ServiceAccount, ConfigMap and Secret, and the controllers that make pods.

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>

#include "model/diagnostic_codes.h"
#include "model/istio/mesh_config_reader.h"
#include "model/load/decoders.h"

namespace waypath::model {

std::string_view to_string(Protocol p) {
  switch (p) {
    case Protocol::Tcp:
      return "TCP";
    case Protocol::Udp:
      return "UDP";
    case Protocol::Sctp:
      return "SCTP";
  }
  return "";
}

void decode_namespace(const Field& root, ObjectMeta meta, Decoded& out) {
  // Every namespace carries its name as a label, written or not.
  // Source: kubernetes pkg/apis/core/v1/defaults.go SetDefaults_Namespace
  meta.labels = meta.labels.with(intern("kubernetes.io/metadata.name"), meta.key.name, meta.pos);
  root.only({"apiVersion", "kind", "metadata"}, {"spec", "status"});
  out.emplace_back(Namespace{std::move(meta)});
}

void decode_service_account(const Field&, ObjectMeta meta, Decoded& out) {
  out.emplace_back(ServiceAccount{std::move(meta)});
}

void decode_node(const Field& root, ObjectMeta meta, Decoded& out) {
  Node node;
  node.meta = std::move(meta);
  root["status"]["addresses"].each([&](const Field& f) {
    const auto ip = parse_ip(f["address"].text());
    if (!ip) return;
    const auto type = f["type"].text();
    if (type == "InternalIP") node.internal_ips.push_back(*ip);
    if (type == "ExternalIP") node.external_ips.push_back(*ip);
  });
  node.pod_cidrs = root["spec"]["podCIDRs"].texts();
  if (node.pod_cidrs.empty() && root["spec"]["podCIDR"])
    node.pod_cidrs.push_back(root["spec"]["podCIDR"].text());
  out.emplace_back(std::move(node));
}

namespace {

void decode_probe(const Field& probe, Container& c) {
  if (!probe) return;
  for (const std::string_view kind : {"httpGet", "tcpSocket", "grpc"}) {
    const Field port = probe[kind]["port"];
    if (!port) continue;
    ProbePort out;
    out.pos = port.pos();
    if (const auto value = port.int_or_string()) {
      if (const auto* number = std::get_if<std::int64_t>(&*value)) {
        if (*number > 0 && *number <= 65535) out.port = static_cast<std::uint16_t>(*number);
      } else {
        out.port_name = intern(std::get<std::string>(*value));
      }
    }
    c.probes.push_back(out);
  }
}

// A proxy's own topology goes before the mesh's. Source: istio pilot/pkg/networking/core/gateway.go
// buildGatewayConnectionManager (the node's ProxyConfig)
void note_topology(const Field& annotations) {
  const Field config = annotations["proxy.istio.io/config"];
  if (const auto text = config.optional_view();
      text && text->find("gatewayTopology") != std::string_view::npos)
    config.warn(kFieldNotModelled, "gatewayTopology of single proxies is not modelled: the mesh's is used",
                "read what remote.ip and remoteIpBlocks say at this proxy with that in mind");
}

Container decode_container(const Field& f) {
  Container c;
  f.only({"name", "image", "ports", "env", "envFrom", "args", "restartPolicy", "readinessProbe",
          "livenessProbe", "startupProbe"},
         {"command", "workingDir", "resources", "resizePolicy", "volumeMounts", "volumeDevices", "lifecycle",
          "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin",
          "stdinOnce", "tty", "restartPolicyRules"});
  c.name = f["name"].symbol();
  c.image = f["image"].text();
  c.native_sidecar = f["restartPolicy"].text() == "Always";
  f["ports"].each([&](const Field& p) {
    p.only({"name", "containerPort", "protocol"}, {"hostPort", "hostIP"});
    ContainerPort port;
    port.pos = p.pos();
    port.name = p["name"].symbol();
    port.protocol = decode_protocol(p["protocol"]);
    const Field number = p["containerPort"];
    if (!number) number.reject(error_type::kRequired, "a container port needs its number");
    port.port = number.port().value_or(0);
    c.ports.push_back(port);
  });
  for (const std::string_view probe : {"readinessProbe", "livenessProbe", "startupProbe"})
    decode_probe(f[probe], c);
  if (istio_component(c)) {
    f["env"].each([&](const Field& e) {
      if (e["value"]) c.env.emplace_back(e["name"].text(), e["value"].text());
    });
    c.args = f["args"].texts();
  }
  return c;
}

void volume_refs(const Field& volume, PodSpec& spec) {
  const auto add = [](std::vector<Symbol>& refs, const Field& name) {
    if (name) refs.push_back(name.symbol());
  };
  add(spec.secret_refs, volume["secret"]["secretName"]);
  add(spec.config_map_refs, volume["configMap"]["name"]);
  volume["projected"]["sources"].each([&](const Field& s) {
    add(spec.secret_refs, s["secret"]["name"]);
    add(spec.config_map_refs, s["configMap"]["name"]);
  });
}

PodSpec decode_pod_spec(const Field& f) {
  PodSpec spec;
  f.only({"containers", "initContainers", "serviceAccountName", "serviceAccount", "nodeName", "hostname",
          "subdomain", "hostNetwork", "dnsPolicy", "volumes"},
         {"activeDeadlineSeconds",
          "affinity",
          "automountServiceAccountToken",
          "dnsConfig",
          "enableServiceLinks",
          "ephemeralContainers",
          "hostAliases",
          "hostIPC",
          "hostPID",
          "hostUsers",
          "imagePullSecrets",
          "nodeSelector",
          "os",
          "overhead",
          "preemptionPolicy",
          "priority",
          "priorityClassName",
          "readinessGates",
          "resourceClaims",
          "resources",
          "restartPolicy",
          "runtimeClassName",
          "schedulerName",
          "schedulingGates",
          "securityContext",
          "setHostnameAsFQDN",
          "shareProcessNamespace",
          "terminationGracePeriodSeconds",
          "tolerations",
          "topologySpreadConstraints"});
  // Source: kubernetes pkg/apis/core/v1/conversion.go: the deprecated serviceAccount stands in when the new
  // field is empty.
  spec.service_account = f["serviceAccountName"].symbol();
  if (spec.service_account.empty()) spec.service_account = f["serviceAccount"].symbol();
  if (spec.service_account.empty()) spec.service_account = intern("default");
  spec.node_name = f["nodeName"].symbol();
  spec.hostname = f["hostname"].symbol();
  spec.subdomain = f["subdomain"].symbol();
  spec.host_network = f["hostNetwork"].boolean();
  spec.dns_policy = f["dnsPolicy"].text();
  f["containers"].each([&](const Field& c) { spec.containers.push_back(decode_container(c)); });
  f["initContainers"].each([&](const Field& c) {
    auto container = decode_container(c);
    if (container.native_sidecar) spec.containers.push_back(std::move(container));
  });
  f["volumes"].each([&](const Field& v) { volume_refs(v, spec); });
  return spec;
}

PodPhase decode_phase(std::string_view text) {
  if (text == "Pending") return PodPhase::Pending;
  if (text == "Running") return PodPhase::Running;
  if (text == "Succeeded") return PodPhase::Succeeded;
  if (text == "Failed") return PodPhase::Failed;
  return PodPhase::Unknown;
}

}  // namespace

void decode_pod(const Field& root, ObjectMeta meta, Decoded& out) {
  root.only({"apiVersion", "kind", "metadata", "spec", "status"});
  Pod pod;
  pod.meta = std::move(meta);
  note_topology(root["metadata"]["annotations"]);
  pod.spec = decode_pod_spec(root["spec"]);
  const Field status = root["status"];
  if (status.size() != 0) {
    pod.phase = decode_phase(status["phase"].text());
    pod.has_status = status["phase"].present() || status["conditions"].present();
    status["conditions"].each([&](const Field& c) {
      if (c["type"].text() == "Ready") pod.ready = c["status"].text() == "True";
    });
    status["podIPs"].each([&](const Field& f) {
      if (const auto ip = parse_ip(f["ip"].text())) pod.ips.push_back(*ip);
    });
    if (pod.ips.empty())
      if (const auto ip = parse_ip(status["podIP"].text())) pod.ips.push_back(*ip);
    if (const auto host = parse_ip(status["hostIP"].text())) pod.host_ip = host;
  }
  // The controller this pod counts as; a ReplicaSet's Deployment is found when all objects are known.
  pod.workload_kind = intern("Pod");
  pod.workload_name = pod.meta.key.name;
  for (const auto& owner : pod.meta.owners) {
    if (!owner.controller && pod.meta.owners.size() > 1) continue;
    pod.workload_kind = owner.kind;
    pod.workload_name = owner.name;
    break;
  }
  out.emplace_back(std::move(pod));
}

void decode_workload(const Field& root, ObjectMeta meta, Decoded& out) {
  Workload w;
  w.meta = std::move(meta);
  const Field spec = root["spec"];
  const bool cron = w.meta.key.kind == std::string_view("CronJob");
  const bool job = cron || w.meta.key.kind == std::string_view("Job");
  const Field owner_spec = cron ? spec["jobTemplate"]["spec"] : spec;
  const Field replicas = job ? owner_spec["parallelism"] : spec["replicas"];
  if (const auto n = replicas.integer()) {
    if (*n < 0) replicas.reject(error_type::kInvalid, "must not be negative, found " + std::to_string(*n));
    w.replicas = static_cast<int>(std::clamp<std::int64_t>(*n, 0, 1'000'000));
  }
  w.suspended = (job && owner_spec["suspend"].boolean()) || (cron && spec["suspend"].boolean());
  if (const auto start = spec["ordinals"]["start"].integer())
    w.ordinals_start = static_cast<int>(std::clamp<std::int64_t>(*start, 0, 1'000'000));
  w.service_name =
      w.meta.key.kind == std::string_view("StatefulSet") ? spec["serviceName"].symbol() : Symbol{};
  // These two select by a map. Source: kubernetes staging/src/k8s.io/api/core/v1/types.go
  // ReplicationControllerSpec; openshift/api apps/v1/types.go DeploymentConfigSpec
  if (w.meta.key.kind == std::string_view("ReplicationController") ||
      w.meta.key.kind == std::string_view("DeploymentConfig")) {
    w.selector = decode_match_labels(spec["selector"]);
  } else {
    w.selector = decode_selector(owner_spec["selector"]);
  }
  const Field tmpl = owner_spec["template"];
  w.template_labels = decode_labels(tmpl["metadata"]["labels"]);
  note_topology(tmpl["metadata"]["annotations"]);
  tmpl["metadata"]["annotations"].each_member([&](std::string_view key, const Field& value) {
    if (key.find("istio.io/") != std::string_view::npos)
      w.template_annotations.push_back({intern(key), value.text(), value.pos()});
  });
  std::sort(w.template_annotations.begin(), w.template_annotations.end(),
            [](const Annotation& a, const Annotation& b) { return a.key.view() < b.key.view(); });
  w.template_spec = decode_pod_spec(tmpl["spec"]);
  out.emplace_back(std::move(w));
}

// Source: argoproj/argo-rollouts pkg/apis/rollouts/v1alpha1/types.go RolloutSpec
void decode_rollout(const Field& root, ObjectMeta meta, Decoded& out) {
  if (root["spec"]["template"].present()) return decode_workload(root, std::move(meta), out);
  decode_unmodelled(root, std::move(meta), out);
}

namespace {

std::string base64_decode(std::string_view text) {
  std::string compact;
  for (const char c : text)
    if (c != '\n' && c != '\r' && c != ' ') compact.push_back(c);
  std::string bytes(boost::beast::detail::base64::decoded_size(compact.size()), '\0');
  const auto [written, read] =
      boost::beast::detail::base64::decode(bytes.data(), compact.data(), compact.size());
  bytes.resize(written);
  return bytes;
}

}  // namespace

void decode_config_map(const Field& root, ObjectMeta meta, Decoded& out) {
  ConfigMap map;
  map.secret = meta.key.kind == std::string_view("Secret");
  map.meta = std::move(meta);
  const auto add = [&](std::string_view key, std::string value, SourcePos pos) {
    map.data.emplace_back(std::string(key), std::move(value));
    map.data_pos.push_back(pos);
  };
  root["data"].each_member([&](std::string_view key, const Field& value) {
    auto text = value.text();
    add(key, map.secret ? base64_decode(text) : std::move(text), value.pos());
  });
  if (map.secret) {
    root["stringData"].each_member(
        [&](std::string_view key, const Field& value) { add(key, value.text(), value.pos()); });
  }
  out.emplace_back(std::move(map));
}

}  // namespace waypath::model
