// networking.istio.io: Gateway, DestinationRule, ServiceEntry, WorkloadEntry, Sidecar. VirtualService:
// decode_virtual_service.cc.

#include <algorithm>

#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

IstioPort decode_istio_port(const Field& f) {
  IstioPort p;
  f.only({"number", "protocol", "name", "targetPort"});
  if (!f["number"]) f["number"].reject(error_type::kRequired, "a port needs its number");
  p.number = f["number"].port().value_or(0);
  p.protocol = f["protocol"].text();
  p.name = f["name"].symbol();
  if (f["targetPort"] && f["targetPort"].integer() != 0) p.target_port = f["targetPort"].port().value_or(0);
  return p;
}

std::optional<LabelSelector> decode_workload_selector(const Field& f) {
  if (!f) return std::nullopt;
  // Sidecar and ServiceEntry write `labels`, DestinationRule `matchLabels`.
  f.only({"labels", "matchLabels"});
  return decode_match_labels(f["labels"].present() ? f["labels"] : f["matchLabels"]);
}

ClientTlsMode decode_client_tls_mode(const Field& tls) {
  const auto mode = tls["mode"].one_of({"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"});
  if (mode == "SIMPLE") return ClientTlsMode::Simple;
  if (mode == "MUTUAL") return ClientTlsMode::Mutual;
  if (mode == "ISTIO_MUTUAL") return ClientTlsMode::IstioMutual;
  return tls.present() ? ClientTlsMode::Disable : ClientTlsMode::Unset;
}

ClientTls decode_client_tls(const Field& tls) {
  return {decode_client_tls_mode(tls), tls["sni"].text(), tls["subjectAltNames"].texts()};
}

std::optional<TrafficPolicy> decode_traffic_policy(const Field& f) {
  if (!f) return std::nullopt;
  f.only({"tls", "portLevelSettings", "connectionPool", "tunnel"},
         {"loadBalancer", "outlierDetection", "retryBudget"}, {"proxyProtocol"});
  TrafficPolicy p;
  p.pos = f.pos();
  p.tls = decode_client_tls(f["tls"]);
  f["portLevelSettings"].each([&](const Field& s) {
    if (const auto port = s["port"]["number"].port())
      p.port_levels.emplace_back(*port, decode_client_tls(s["tls"]));
  });
  p.connect_timeout = f["connectionPool"]["tcp"]["connectTimeout"].optional_text();
  p.tunnel = f["tunnel"].present();
  if (p.tunnel)
    f["tunnel"].warn(kFieldNotModelled,
                     "tunnelling to a proxy is not modelled; traffic to this host takes another path");
  return p;
}

WorkloadEntrySpec decode_workload_entry_spec(const Field& f) {
  WorkloadEntrySpec e;
  e.pos = f.pos();
  f.only({"address", "labels", "serviceAccount", "network", "ports", "weight"}, {"locality"});
  e.address = f["address"].text();
  std::vector<Label> labels;
  f["labels"].each_member([&](std::string_view key, const Field& v) {
    labels.push_back({intern(key), v.symbol(), v.pos()});
  });
  e.labels = Labels(std::move(labels));
  e.service_account = f["serviceAccount"].symbol();
  e.network = f["network"].symbol();
  f["ports"].each_member([&](std::string_view key, const Field& v) {
    if (const auto port = v.port()) e.ports.emplace_back(intern(key), *port);
  });
  if (const auto w = f["weight"].integer())
    e.weight = static_cast<std::uint32_t>(std::clamp<std::int64_t>(*w, 0, 1'000'000'000));
  return e;
}

}  // namespace

void decode_istio_gateway(const Field& root, ObjectMeta meta, Decoded& out) {
  IstioGateway g;
  g.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"selector", "servers"});
  g.selector = spec["selector"].string_map();
  spec["servers"].each([&](const Field& f) {
    f.only({"port", "hosts", "tls", "name", "bind"}, {"defaultEndpoint"});
    IstioServer s;
    s.pos = f.pos();
    s.port = decode_istio_port(f["port"]);
    s.hosts = f["hosts"].texts();
    const Field tls = f["tls"];
    const auto mode = tls["mode"].one_of(
        {"PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"});
    const bool https_redirect_only = tls.present() && !tls["mode"].present() &&
                                     tls["credentialName"].text().empty() && !tls["serverCertificate"];
    s.tls = mode == "PASSTHROUGH"                   ? ServerTlsMode::Passthrough
            : mode == "MUTUAL"                      ? ServerTlsMode::Mutual
            : mode == "AUTO_PASSTHROUGH"            ? ServerTlsMode::AutoPassthrough
            : mode == "ISTIO_MUTUAL"                ? ServerTlsMode::IstioMutual
            : mode == "OPTIONAL_MUTUAL"             ? ServerTlsMode::OptionalMutual
            : mode == "SIMPLE"                      ? ServerTlsMode::Simple
            : tls.present() && !https_redirect_only ? ServerTlsMode::Passthrough  // the enum's zero value
                                                    : ServerTlsMode::None;
    s.https_redirect = tls["httpsRedirect"].boolean();
    s.credential_name = tls["credentialName"].text();
    s.name = f["name"].text();
    s.bind = f["bind"].text();
    g.servers.push_back(std::move(s));
  });
  out.emplace_back(std::move(g));
}

void decode_destination_rule(const Field& root, ObjectMeta meta, Decoded& out) {
  DestinationRule d;
  d.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"host", "exportTo", "workloadSelector", "trafficPolicy", "subsets"});
  d.host = spec["host"].text();
  if (d.host.empty()) spec["host"].reject(error_type::kRequired, "a DestinationRule needs its host");
  d.export_to = spec["exportTo"].texts();
  d.workload_selector = decode_workload_selector(spec["workloadSelector"]);
  d.traffic_policy = decode_traffic_policy(spec["trafficPolicy"]);
  spec["subsets"].each([&](const Field& f) {
    f.only({"name", "labels", "trafficPolicy"});
    d.subsets.push_back(
        {f["name"].text(), f["labels"].string_map(), decode_traffic_policy(f["trafficPolicy"]), f.pos()});
  });
  out.emplace_back(std::move(d));
}

void decode_service_entry(const Field& root, ObjectMeta meta, Decoded& out) {
  ServiceEntry e;
  e.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec", "status"});
  const Field spec = root["spec"];
  spec.only({"hosts", "addresses", "ports", "location", "resolution", "endpoints", "workloadSelector",
             "exportTo", "subjectAltNames"});
  e.hosts = spec["hosts"].texts();
  if (e.hosts.empty()) spec["hosts"].reject(error_type::kRequired, "a ServiceEntry needs at least one host");
  e.addresses = spec["addresses"].texts();
  for (const auto& a : e.addresses)
    if (!parse_cidr_or_ip(a))
      spec["addresses"].reject(error_type::kInvalid, "\"" + a + "\" is neither an address nor a CIDR block");
  root["status"]["addresses"].each([&](const Field& f) {
    if (const auto ip = parse_ip(f["value"].text())) e.status_addresses.emplace_back(f["host"].text(), *ip);
  });
  spec["ports"].each([&](const Field& f) { e.ports.push_back(decode_istio_port(f)); });
  // The enum's zero value is MESH_EXTERNAL.
  e.mesh_internal = spec["location"].one_of({"MESH_EXTERNAL", "MESH_INTERNAL"}) == "MESH_INTERNAL";
  const auto resolution =
      spec["resolution"].one_of({"NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"});
  e.resolution = resolution == "STATIC"            ? Resolution::Static
                 : resolution == "DNS"             ? Resolution::Dns
                 : resolution == "DNS_ROUND_ROBIN" ? Resolution::DnsRoundRobin
                 : resolution == "DYNAMIC_DNS"     ? Resolution::DynamicDns
                                                   : Resolution::None;
  spec["endpoints"].each([&](const Field& f) { e.endpoints.push_back(decode_workload_entry_spec(f)); });
  e.workload_selector = decode_workload_selector(spec["workloadSelector"]);
  e.export_to = spec["exportTo"].texts();
  e.subject_alt_names = spec["subjectAltNames"].texts();
  out.emplace_back(std::move(e));
}

void decode_workload_entry(const Field& root, ObjectMeta meta, Decoded& out) {
  WorkloadEntry e;
  e.meta = std::move(meta);
  e.spec = decode_workload_entry_spec(root["spec"]);
  out.emplace_back(std::move(e));
}

void decode_sidecar(const Field& root, ObjectMeta meta, Decoded& out) {
  Sidecar s;
  s.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"workloadSelector", "egress", "ingress", "outboundTrafficPolicy"}, {},
            {"inboundConnectionPool"});
  s.workload_selector = decode_workload_selector(spec["workloadSelector"]);
  s.egress_given = spec["egress"].present();
  spec["egress"].each([&](const Field& f) {
    f.only({"hosts", "port", "bind", "captureMode"});
    Sidecar::Egress e;
    e.pos = f.pos();
    e.hosts = f["hosts"].texts();
    e.port = f["port"]["number"].port();
    s.egress.push_back(std::move(e));
  });
  spec["ingress"].each([&](const Field& f) {
    f.only({"port", "defaultEndpoint", "bind", "captureMode", "tls", "connectionPool"});
    s.ingress.push_back(
        {f["port"]["number"].port().value_or(0), f["port"]["protocol"].text(), f["defaultEndpoint"].text()});
  });
  if (const Field outbound = spec["outboundTrafficPolicy"]) {
    const auto mode = outbound["mode"].one_of({"REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"});
    // The enum's zero value is REGISTRY_ONLY.
    s.outbound = mode == "ALLOW_ANY"               ? OutboundMode::AllowAny
                 : mode == "ALLOW_ANY_DYNAMIC_DNS" ? OutboundMode::AllowAnyDynamicDns
                                                   : OutboundMode::RegistryOnly;
  }
  out.emplace_back(std::move(s));
}

void decode_unmodelled(const Field& root, ObjectMeta meta, Decoded& out) {
  UnmodelledPolicy p;
  p.meta = std::move(meta);
  const Field spec = root["spec"];
  for (const std::string_view key : {"workloadSelector", "selector", "endpointSelector", "podSelector"}) {
    const Field selector = spec[key];
    if (!selector.present() || !selector.node()->is_mapping() || p.selector) continue;
    const Field labels = selector["labels"].present() ? selector["labels"] : selector["matchLabels"];
    p.selector = decode_match_labels(labels);
  }
  const auto add = [&](const Field& f) {
    if (f.present() && f.node()->is_mapping()) p.targets.emplace_back(f["kind"].text(), f["name"].symbol());
  };
  if (spec["targetRefs"].present() && spec["targetRefs"].node()->is_sequence()) spec["targetRefs"].each(add);
  add(spec["targetRef"]);
  out.emplace_back(std::move(p));
}

}  // namespace waypath::model
