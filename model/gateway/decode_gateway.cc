// GatewayClass, Gateway, ListenerSet, ReferenceGrant, BackendTLSPolicy with the CRDs' defaults.
// Source: kubernetes-sigs/gateway-api apis/v1/*_types.go

#include <algorithm>

#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

constexpr std::string_view kGatewayGroup = "gateway.networking.k8s.io";

/// `kind`: what an absent one means.
std::vector<CertificateRef> decode_certificate_refs(const Field& list, std::string_view kind) {
  std::vector<CertificateRef> out;
  list.each([&](const Field& f) {
    CertificateRef ref;
    ref.pos = f.pos();
    ref.group = f["group"].text();
    ref.kind = f["kind"].text(kind);
    ref.name = f["name"].text();
    ref.ns = f["namespace"].optional_text();
    out.push_back(std::move(ref));
  });
  return out;
}

FromNamespaces decode_from(const Field& f, FromNamespaces fallback) {
  const auto text = f.one_of({"All", "Same", "Selector", "None"});
  if (text == "All") return FromNamespaces::All;
  if (text == "Same") return FromNamespaces::Same;
  if (text == "Selector") return FromNamespaces::Selector;
  if (text == "None") return FromNamespaces::None;
  return fallback;
}

Listener decode_listener(const Field& f) {
  Listener l;
  l.pos = f.pos();
  f.only({"name", "hostname", "port", "protocol", "tls", "allowedRoutes"});
  if (!f["name"]) f["name"].reject(error_type::kRequired, "a listener needs its name");
  l.name = f["name"].symbol();
  l.hostname = f["hostname"].text();
  if (!f["port"]) f["port"].reject(error_type::kRequired, "a listener needs its port");
  l.port = f["port"].port().value_or(0);
  if (!f["protocol"]) f["protocol"].reject(error_type::kRequired, "a listener needs its protocol");
  l.protocol = f["protocol"].text();
  const Field tls = f["tls"];
  l.has_tls = tls.present();
  if (tls.present()) {
    tls.only({"mode", "certificateRefs", "options", "frontendValidation"});
    const auto mode = tls["mode"].one_of({"Terminate", "Passthrough"});
    if (!mode.empty()) l.tls_mode = mode;
    l.certificate_refs = decode_certificate_refs(tls["certificateRefs"], "Secret");
    l.terminate_mode = tls["options"]["gateway.istio.io/tls-terminate-mode"].text();
    if (tls["frontendValidation"])
      tls["frontendValidation"].warn(kFieldIgnored, "removed from the API, and never read by Istio",
                                     "write spec.tls.frontend of the Gateway");
  }
  const Field allowed = f["allowedRoutes"];
  const Field namespaces = allowed["namespaces"];
  l.allowed_namespaces.given = namespaces.present();
  l.allowed_namespaces.pos = namespaces.pos();
  l.allowed_namespaces.from = decode_from(namespaces["from"], FromNamespaces::Same);
  l.allowed_namespaces.selector = decode_selector(namespaces["selector"]);
  allowed["kinds"].each([&](const Field& k) {
    l.allowed_kinds.emplace_back(k["group"].text(kGatewayGroup), k["kind"].text());
  });
  return l;
}

/// References to certificates that verify a peer: their kind has no default.
std::vector<CertificateRef> decode_ca_refs(const Field& list) { return decode_certificate_refs(list, ""); }

FrontendValidation decode_frontend(const Field& tls) {
  FrontendValidation out;
  const Field validation = tls["validation"];
  validation.only({"caCertificateRefs", "mode"});
  out.insecure_fallback =
      validation["mode"].one_of({"AllowValidOnly", "AllowInsecureFallback"}) == "AllowInsecureFallback";
  out.ca_refs = decode_ca_refs(validation["caCertificateRefs"]);
  return out;
}

std::vector<GatewayAddress> decode_addresses(const Field& list) {
  std::vector<GatewayAddress> out;
  list.each([&](const Field& f) { out.push_back({f["type"].text("IPAddress"), f["value"].text()}); });
  return out;
}

}  // namespace

void decode_gateway_class(const Field& root, ObjectMeta meta, Decoded& out) {
  out.emplace_back(GatewayClass{std::move(meta), root["spec"]["controllerName"].text()});
}

void decode_gateway(const Field& root, ObjectMeta meta, Decoded& out) {
  Gateway g;
  g.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec", "status"});
  const Field spec = root["spec"];
  spec.only({"gatewayClassName", "listeners", "addresses", "infrastructure", "allowedListeners", "tls"},
            {"defaultScope"}, {"backendTLS"});
  const Field tls = spec["tls"];
  tls.only({"frontend"}, {}, {"backend"});
  const Field frontend = tls["frontend"];
  g.frontend = decode_frontend(frontend["default"]);
  frontend["perPort"].each([&](const Field& f) {
    g.frontend_of_port.emplace_back(f["port"].port().value_or(0), decode_frontend(f["tls"]));
  });
  if (!spec["gatewayClassName"])
    spec["gatewayClassName"].reject(error_type::kRequired, "a Gateway needs its gatewayClassName");
  g.class_name = spec["gatewayClassName"].symbol();
  spec["listeners"].each([&](const Field& f) { g.listeners.push_back(decode_listener(f)); });
  g.addresses = decode_addresses(spec["addresses"]);
  const Field infrastructure = spec["infrastructure"];
  infrastructure.only({"labels", "parametersRef"}, {"annotations"});
  g.infrastructure_labels_given = infrastructure["labels"].present();
  infrastructure["labels"].each_member([&](std::string_view key, const Field& v) {
    g.infrastructure_labels.push_back({intern(key), v.symbol(), v.pos()});
  });
  if (const Field ref = infrastructure["parametersRef"])
    g.parameters = {ref["group"].text(), ref["kind"].text(), ref["name"].symbol(), ref.pos()};
  const Field allowed = spec["allowedListeners"]["namespaces"];
  g.allowed_listeners = decode_from(allowed["from"], FromNamespaces::None);
  g.allowed_listeners_selector = decode_selector(allowed["selector"]);
  const Field status = root["status"];
  g.has_status = status.size() != 0;
  g.status_addresses = decode_addresses(status["addresses"]);
  status["conditions"].each([&](const Field& c) {
    if (c["type"].text() == "Programmed" && c["status"].text() == "False") g.programmed_false = true;
  });
  out.emplace_back(std::move(g));
}

void decode_listener_set(const Field& root, ObjectMeta meta, Decoded& out) {
  ListenerSet set;
  const Field spec = root["spec"];
  spec.only({"parentRef", "listeners"});
  set.parent_ns = spec["parentRef"]["namespace"].symbol(meta.key.ns.view());
  set.parent_name = spec["parentRef"]["name"].symbol();
  set.meta = std::move(meta);
  spec["listeners"].each([&](const Field& f) { set.listeners.push_back(decode_listener(f)); });
  out.emplace_back(std::move(set));
}

void decode_reference_grant(const Field& root, ObjectMeta meta, Decoded& out) {
  ReferenceGrant grant;
  grant.meta = std::move(meta);
  const Field spec = root["spec"];
  spec.only({"from", "to"});
  spec["from"].each([&](const Field& f) {
    grant.from.push_back({f["group"].text(), f["kind"].text(), f["namespace"].symbol()});
  });
  spec["to"].each([&](const Field& f) {
    grant.to.push_back({f["group"].text(), f["kind"].text(), f["name"].optional_text()});
  });
  out.emplace_back(std::move(grant));
}

void decode_backend_tls_policy(const Field& root, ObjectMeta meta, Decoded& out) {
  BackendTlsPolicy policy;
  policy.meta = std::move(meta);
  const Field spec = root["spec"];
  spec["targetRefs"].each([&](const Field& f) {
    policy.targets.push_back(
        {f["group"].text(), f["kind"].text(), f["name"].symbol(), f["sectionName"].text()});
  });
  const Field validation = spec["validation"].present() ? spec["validation"] : spec["tls"];
  policy.hostname = validation["hostname"].text();
  validation["subjectAltNames"].each([&](const Field& f) {
    const std::string name = f["type"].text() == "URI" ? f["uri"].text() : f["hostname"].text();
    if (!name.empty()) policy.subject_alt_names.push_back(name);
  });
  policy.well_known_ca = validation["wellKnownCACertificates"].text() == "System" ||
                         validation["wellKnownCACerts"].text() == "System";
  policy.ca_refs = decode_ca_refs(validation["caCertificateRefs"].present() ? validation["caCertificateRefs"]
                                                                            : validation["caCertRefs"]);
  out.emplace_back(std::move(policy));
}

}  // namespace waypath::model
