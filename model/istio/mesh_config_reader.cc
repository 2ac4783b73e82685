#include "model/istio/mesh_config_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <variant>

#include "model/config_map_text.h"
#include "model/diagnostic_codes.h"
#include "model/load/decode.h"

namespace waypath::model {
namespace {

// ConfigMap `istio`, or `istio-<revision>`: the default revision's first, then by name.
const ConfigMap* mesh_config_map(std::span<const std::shared_ptr<const ConfigMap>> maps,
                                 Diagnostics& diagnostics) {
  std::vector<const ConfigMap*> found;
  for (const auto& map : maps) {
    const auto name = map->meta.key.name.view();
    if (map->secret || (name != "istio" && name.substr(0, 6) != "istio-")) continue;
    if (std::any_of(map->data.begin(), map->data.end(), [](const auto& d) { return d.first == "mesh"; }))
      found.push_back(map.get());
  }
  if (found.empty()) return nullptr;
  std::stable_sort(found.begin(), found.end(), [](const ConfigMap* a, const ConfigMap* b) {
    const auto rank = [](const ConfigMap* m) {
      return std::pair(m->meta.key.name != std::string_view("istio"),
                       m->meta.key.ns != std::string_view("istio-system"));
    };
    return rank(a) < rank(b);
  });
  if (found.size() > 1)
    diagnostics.report(
        {kMeshConfigSeveral,
         Severity::Warning,
         Reach::Input,
         found[1]->meta.pos,
         found[1]->meta.key.str(),
         "data.mesh",
         {},
         "several mesh configurations; " + found[0]->meta.key.str() + " is used for the whole mesh",
         "revisions are not told apart: give the manifests of one"});
  return found[0];
}

void decode_headers_list(const Field& f, std::vector<std::string>& out) { out = f.texts(); }

ExtensionProvider decode_provider(const Field& f) {
  ExtensionProvider p;
  p.pos = f.pos();
  p.name = f["name"].text();
  const bool grpc = f["envoyExtAuthzGrpc"].present();
  const Field body = grpc ? f["envoyExtAuthzGrpc"] : f["envoyExtAuthzHttp"];
  if (!body.present()) return p;
  p.type = grpc ? ExtensionProvider::Type::ExtAuthzGrpc : ExtensionProvider::Type::ExtAuthzHttp;
  p.service = body["service"].text();
  // protobuf's JSON form takes numbers written as text.
  std::int64_t port = 0;
  if (const auto value = body["port"].int_or_string()) {
    if (const auto* number = std::get_if<std::int64_t>(&*value)) port = *number;
    if (const auto* text = std::get_if<std::string>(&*value))
      std::from_chars(text->data(), text->data() + text->size(), port);
  }
  p.port_valid = port >= 1 && port <= 65535;
  if (p.port_valid) p.port = static_cast<std::uint16_t>(port);
  p.timeout = body["timeout"].optional_text();
  p.fail_open = body["failOpen"].boolean();
  // "403" is written as a number or as text; both are read by protobuf's JSON form.
  if (const auto status = body["statusOnError"].int_or_string())
    p.status_on_error = std::holds_alternative<std::int64_t>(*status)
                            ? std::to_string(std::get<std::int64_t>(*status))
                            : std::get<std::string>(*status);
  p.path_prefix = body["pathPrefix"].text();
  const Field include = body["includeRequestHeadersInCheck"].present() ? body["includeRequestHeadersInCheck"]
                                                                       : body["includeHeadersInCheck"];
  decode_headers_list(include, p.include_headers_in_check);
  decode_headers_list(body["headersToUpstreamOnAllow"], p.headers_to_upstream_on_allow);
  decode_headers_list(body["headersToDownstreamOnDeny"], p.headers_to_downstream_on_deny);
  decode_headers_list(body["headersToDownstreamOnAllow"], p.headers_to_downstream_on_allow);
  return p;
}

// Source: istio/api mesh/v1alpha1/config.proto; defaults: istio pkg/config/mesh/mesh.go DefaultMeshConfig
void decode_mesh(const Field& f, MeshConfig& mesh) {
  const auto text_or = [](const Field& field, std::string& value) {
    if (field.present()) value = field.text();
  };
  f.only({"rootNamespace", "trustDomain", "trustDomainAliases", "extensionProviders", "pathNormalization",
          "outboundTrafficPolicy", "ingressClass", "ingressSelector", "ingressService",
          "ingressControllerMode", "defaultServiceExportTo", "defaultVirtualServiceExportTo",
          "defaultDestinationRuleExportTo", "connectTimeout", "enableAutoMtls", "defaultConfig"},
         {"accessLogFile",
          "accessLogFormat",
          "accessLogEncoding",
          "enableTracing",
          "enableEnvoyAccessLogService",
          "defaultProviders",
          "enablePrometheusMerge",
          "configSources",
          "dnsRefreshRate",
          "disableEnvoyListenerLog",
          "tcpKeepalive",
          "thriftConfig",
          "localityLbSetting",
          "certificates",
          "h2UpgradePolicy",
          "verifyCertificateAtClient",
          "ca",
          "inboundClusterStatName",
          "outboundClusterStatName",
          "proxyListenPort",
          "protocolDetectionTimeout",
          "caCertificates",
          "meshMTLS",
          "tlsDefaults",
          "defaultHttpRetryPolicy",
          "hboneIdleTimeout",
          "disableMixerHttpReports",
          "proxyInboundListenPort",
          "proxyHttpPort",
          "enableIngressControllerMode",
          "policyCheckFailOpen",
          "inboundTrafficPolicy",
          "clusterLocal"},
         {"discoverySelectors", "serviceSettings", "serviceScopeConfigs"});
  mesh.root_namespace = f["rootNamespace"].symbol(mesh.root_namespace.view());
  text_or(f["trustDomain"], mesh.trust_domain);
  mesh.trust_domain_aliases = f["trustDomainAliases"].texts();
  f["extensionProviders"].each(
      [&](const Field& p) { mesh.extension_providers.push_back(decode_provider(p)); });
  const auto normalization = f["pathNormalization"]["normalization"].text();
  mesh.path_normalization = normalization == "NONE"            ? PathNormalization::None
                            : normalization == "BASE"          ? PathNormalization::Base
                            : normalization == "MERGE_SLASHES" ? PathNormalization::MergeSlashes
                            : normalization == "DECODE_AND_MERGE_SLASHES"
                                ? PathNormalization::DecodeAndMergeSlashes
                                : PathNormalization::Default;
  const auto outbound = f["outboundTrafficPolicy"]["mode"].text();
  mesh.outbound = outbound == "REGISTRY_ONLY"           ? OutboundMode::RegistryOnly
                  : outbound == "ALLOW_ANY_DYNAMIC_DNS" ? OutboundMode::AllowAnyDynamicDns
                                                        : OutboundMode::AllowAny;
  text_or(f["ingressClass"], mesh.ingress_class);
  text_or(f["ingressSelector"], mesh.ingress_selector);
  text_or(f["ingressService"], mesh.ingress_service);
  text_or(f["ingressControllerMode"], mesh.ingress_controller_mode);
  mesh.default_service_export_to = f["defaultServiceExportTo"].texts();
  mesh.default_virtual_service_export_to = f["defaultVirtualServiceExportTo"].texts();
  mesh.default_destination_rule_export_to = f["defaultDestinationRuleExportTo"].texts();
  const Field defaults = f["defaultConfig"];
  if (const auto n = defaults["gatewayTopology"]["numTrustedProxies"].integer())
    mesh.num_trusted_proxies = static_cast<std::uint32_t>(std::clamp<std::int64_t>(*n, 0, 1000));
  text_or(f["connectTimeout"], mesh.connect_timeout);
  mesh.enable_auto_mtls = f["enableAutoMtls"].boolean(true);
  const Field hbone = defaults["proxyMetadata"]["ISTIO_META_ENABLE_HBONE"];
  mesh.hbone_enabled = hbone.present() && hbone.node()->is_scalar() && hbone.node()->scalar == "true";
}

const Container* find_container(const PodSpec& spec, std::string_view name, std::string_view image) {
  for (const auto& c : spec.containers)
    if (c.name == name || c.image.find(image) != std::string::npos) return &c;
  return nullptr;
}

// "docker.io/istio/pilot:1.28.2-distroless@sha256:..." -> "1.28.2-distroless"
std::string image_tag(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto colon = image.rfind(':');
  if (colon == std::string_view::npos || image.find('/', colon) != std::string_view::npos) return {};
  return std::string(image.substr(colon + 1));
}

bool version_like(std::string_view tag) {
  if (!tag.empty() && tag.front() == 'v') tag.remove_prefix(1);
  const auto dot = tag.find('.');
  return dot != std::string_view::npos && dot > 0 && tag.substr(0, dot) == "1" && dot + 1 < tag.size() &&
         std::isdigit(static_cast<unsigned char>(tag[dot + 1])) != 0;
}

}  // namespace

MeshConfig read_mesh_config(std::span<const std::shared_ptr<const ConfigMap>> config_maps,
                            const SourceFiles& files, Diagnostics& diagnostics) {
  MeshConfig mesh;
  const ConfigMap* map = mesh_config_map(config_maps, diagnostics);
  if (map == nullptr) return mesh;
  for (std::size_t i = 0; i < map->data.size(); ++i) {
    if (map->data[i].first != "mesh") continue;
    const ConfigMapText at = config_map_text(*map, i, files);
    mesh.given = true;
    mesh.pos = at.start;
    read_config_map_text(*map, i, files, kMeshConfigInvalid, diagnostics,
                         [&](const Field& f) { decode_mesh(f, mesh); });
    for (auto& provider : mesh.extension_providers) provider.pos.column += at.indent;
  }
  // istiod refuses a cluster domain per mesh config; it is ztunnel's and istiod's environment: see
  // read_feature_flags.
  return mesh;
}

FeatureFlags read_feature_flags(std::span<const std::shared_ptr<const Workload>> workloads,
                                std::span<const std::shared_ptr<const Pod>> pods,
                                std::span<const std::shared_ptr<const ConfigMap>> config_maps) {
  FeatureFlags flags;
  const auto read = [&](const PodSpec& spec) {
    const auto add = [](std::map<std::string, std::string, std::less<>>& to, const Container* c) {
      if (c == nullptr) return;
      for (const auto& [name, value] : c->env) to.emplace(name, value);
    };
    add(flags.istiod, find_container(spec, "discovery", "/pilot:"));
    add(flags.cni, find_container(spec, "install-cni", "/install-cni:"));
    const Container* ztunnel = find_container(spec, "\n", "/ztunnel:");
    add(flags.ztunnel, ztunnel);
  };
  // Workloads first: what a rollout will run; pods only fill in what they alone show.
  for (const auto& w : workloads) read(w->template_spec);
  for (const auto& p : pods) read(p->spec);
  for (const auto& map : config_maps) {
    if (map->secret || map->meta.key.name != std::string_view("istio-cni-config")) continue;
    for (const auto& [key, value] : map->data) flags.cni.emplace(key, value);
  }
  return flags;
}

std::string detect_istio_version(std::span<const std::shared_ptr<const Workload>> workloads,
                                 std::span<const std::shared_ptr<const Pod>> pods) {
  struct Candidate {
    std::string_view container, image;
  };
  static constexpr Candidate kOrder[] = {
      {"discovery", "/pilot:"}, {"\n", "/ztunnel:"}, {"install-cni", "/install-cni:"}, {"\n", "/proxyv2:"}};
  for (const auto& [container, image] : kOrder) {
    std::string found;
    const auto look = [&](const PodSpec& spec) {
      const Container* c = find_container(spec, container, image);
      if (c == nullptr || !found.empty()) return;
      if (auto tag = image_tag(c->image); version_like(tag)) found = std::move(tag);
    };
    for (const auto& w : workloads) look(w->template_spec);
    for (const auto& p : pods) look(p->spec);
    if (!found.empty()) return found;
  }
  // Labels of istiod's own objects when images are digests or mirrored under other tags.
  for (const auto& w : workloads) {
    const auto app = w->template_labels.get("app");
    if (app != "istiod" && w->template_labels.get("app.kubernetes.io/name") != "istiod") continue;
    for (const std::string_view key : {"operator.istio.io/version", "app.kubernetes.io/version"})
      if (const auto v = w->meta.labels.get(key); v && version_like(*v)) return std::string(*v);
    if (const auto chart = w->meta.labels.get("helm.sh/chart")) {
      const auto dash = chart->find("-1.");
      if (dash != std::string_view::npos && version_like(chart->substr(dash + 1)))
        return std::string(chart->substr(dash + 1));
    }
  }
  return {};
}

bool istio_component(const Container& container) {
  for (const std::string_view name : {"discovery", "istio-proxy", "install-cni"})
    if (container.name == name) return true;
  for (const std::string_view image :
       {"/pilot:", "/ztunnel:", "/install-cni:", "/proxyv2:", "/pilot@", "/ztunnel@"})
    if (container.image.find(image) != std::string::npos) return true;
  return false;
}

std::optional<bool> FeatureFlags::boolean(const std::map<std::string, std::string, std::less<>>& env,
                                          std::string_view name) const {
  const auto it = env.find(name);
  if (it == env.end()) return std::nullopt;
  // Source: Go strconv.ParseBool; anything else leaves the default.
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
    if (it->second == word) return true;
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
    if (it->second == word) return false;
  return std::nullopt;
}

}  // namespace waypath::model
