// Service, EndpointSlice, Endpoints, Ingress, OpenShift Route, IngressClass, with the API server's defaults.

#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

std::variant<std::uint16_t, Symbol> port_or_name(const Field& f, std::uint16_t fallback) {
  const auto value = f.int_or_string();
  if (!value) return fallback;
  if (const auto* number = std::get_if<std::int64_t>(&*value)) {
    if (*number >= 1 && *number <= 65535) return static_cast<std::uint16_t>(*number);
    f.reject(error_type::kInvalid,
             "expected a port number from 1 to 65535, found " + std::to_string(*number));
    return fallback;
  }
  const auto& name = std::get<std::string>(*value);
  if (name.empty()) return fallback;
  if (const char* bad = check_port_name(name)) {
    f.reject(
        error_type::kInvalid, "\"" + name + "\": " + bad,
        name.find_first_not_of("0123456789") == std::string::npos ? "write the number without quotes" : "");
    return fallback;
  }
  return intern(name);
}

void add_ips(std::vector<IpAddress>& out, const Field& list) {
  list.each([&](const Field& f) {
    const auto text = f.optional_text();
    if (!text) return;
    if (const auto ip = parse_ip(*text)) {
      out.push_back(*ip);
    } else {
      f.reject(error_type::kInvalid, "\"" + *text + "\" is not an IP address");
    }
  });
}

ServicePort decode_service_port(const Field& f) {
  f.only({"name", "protocol", "appProtocol", "port", "targetPort", "nodePort"});
  ServicePort p;
  p.pos = f.pos();
  p.name = f["name"].symbol();
  p.protocol = decode_protocol(f["protocol"]);
  if (!f["port"]) f["port"].reject(error_type::kRequired, "a Service port needs its number");
  p.port = f["port"].port().value_or(0);
  p.target_port = port_or_name(f["targetPort"], p.port);
  p.app_protocol = f["appProtocol"].optional_text();
  if (f["nodePort"] && f["nodePort"].integer() != 0) p.node_port = f["nodePort"].port().value_or(0);
  return p;
}

}  // namespace

void decode_service(const Field& root, ObjectMeta meta, Decoded& out) {
  root.only({"apiVersion", "kind", "metadata", "spec", "status"});
  Service s;
  s.meta = std::move(meta);
  const Field spec = root["spec"];
  spec.only(
      {"type", "clusterIP", "clusterIPs", "externalIPs", "externalName", "selector", "ports",
       "publishNotReadyAddresses", "internalTrafficPolicy", "externalTrafficPolicy", "loadBalancerIP",
       "loadBalancerSourceRanges"},
      {"sessionAffinity", "sessionAffinityConfig", "ipFamilies", "ipFamilyPolicy", "healthCheckNodePort",
       "allocateLoadBalancerNodePorts", "loadBalancerClass", "trafficDistribution"});
  const auto type = spec["type"].one_of({"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"});
  s.type = type == "NodePort"       ? ServiceType::NodePort
           : type == "LoadBalancer" ? ServiceType::LoadBalancer
           : type == "ExternalName" ? ServiceType::ExternalName
                                    : ServiceType::ClusterIP;
  const auto add_vip = [&](const Field& f) {
    const auto text = f.text();
    if (text == "None") {
      s.headless = true;
    } else if (!text.empty()) {
      if (const auto ip = parse_ip(text)) {
        s.cluster_ips.push_back(*ip);
      } else {
        f.reject(error_type::kInvalid, "\"" + text + "\" is not an IP address",
                 "leave it out, or write None for a headless Service");
      }
    }
  };
  if (spec["clusterIPs"].size() != 0) {
    spec["clusterIPs"].each(add_vip);
  } else {
    add_vip(spec["clusterIP"]);
  }
  add_ips(s.external_ips, spec["externalIPs"]);
  if (const auto ip = parse_ip(spec["loadBalancerIP"].text())) s.load_balancer_ips.push_back(*ip);
  root["status"]["loadBalancer"]["ingress"].each([&](const Field& f) {
    if (const auto ip = parse_ip(f["ip"].text())) s.load_balancer_ips.push_back(*ip);
    if (f["hostname"]) s.load_balancer_hostnames.push_back(f["hostname"].text());
  });
  s.external_name = spec["externalName"].text();
  s.selector = spec["selector"].string_map();
  spec["ports"].each([&](const Field& f) { s.ports.push_back(decode_service_port(f)); });
  s.publish_not_ready = spec["publishNotReadyAddresses"].boolean();
  s.internal_local = spec["internalTrafficPolicy"].one_of({"Cluster", "Local"}) == "Local";
  s.external_local = spec["externalTrafficPolicy"].one_of({"Cluster", "Local"}) == "Local";
  spec["loadBalancerSourceRanges"].each([&](const Field& f) {
    if (auto cidr = parse_cidr(f.text())) {
      s.load_balancer_source_ranges.push_back(*cidr);
    } else {
      f.reject(error_type::kInvalid, "\"" + f.text() + "\" is not a CIDR block");
    }
  });
  out.emplace_back(std::move(s));
}

void decode_endpoint_slice(const Field& root, ObjectMeta meta, Decoded& out) {
  EndpointSlice slice;
  slice.meta = std::move(meta);
  if (const auto service = slice.meta.labels.get("kubernetes.io/service-name"))
    slice.service = intern(*service);
  slice.fqdn = root["addressType"].one_of({"IPv4", "IPv6", "FQDN"}) == "FQDN";
  root["endpoints"].each([&](const Field& f) {
    SliceEndpoint e;
    e.pos = f.pos();
    if (!slice.fqdn) add_ips(e.addresses, f["addresses"]);
    const Field conditions = f["conditions"];
    e.ready =
        conditions["ready"].boolean(true);  // nil means ready; Source: kubernetes pkg/apis/discovery/types.go
    e.serving = conditions["serving"].boolean(e.ready);
    e.terminating = conditions["terminating"].boolean(false);
    e.node_name = f["nodeName"].symbol();
    if (f["targetRef"]["kind"].text() == "Pod") e.target_pod = f["targetRef"]["name"].symbol();
    slice.endpoints.push_back(std::move(e));
  });
  root["ports"].each([&](const Field& f) {
    EndpointSlice::Port p;
    p.name = f["name"].symbol();
    p.protocol = decode_protocol(f["protocol"]);
    p.port = f["port"].port().value_or(0);
    p.app_protocol = f["appProtocol"].optional_text();
    slice.ports.push_back(std::move(p));
  });
  out.emplace_back(std::move(slice));
}

// An Endpoints object is mirrored into slices of its Service, one for each subset.
// Source: kubernetes pkg/controller/endpointslicemirroring
void decode_endpoints(const Field& root, ObjectMeta meta, Decoded& out) {
  int index = 0;
  root["subsets"].each([&](const Field& subset) {
    EndpointSlice slice;
    slice.meta = meta;
    slice.meta.key.kind = intern("EndpointSlice");
    slice.meta.key.group = intern("discovery.k8s.io");
    slice.meta.key.name = intern(meta.key.name.str() + "-endpoints-" + std::to_string(index++));
    slice.service = meta.key.name;
    const auto add = [&](const Field& list, bool ready) {
      list.each([&](const Field& a) {
        SliceEndpoint e;
        e.pos = a.pos();
        if (const auto ip = parse_ip(a["ip"].text())) {
          e.addresses.push_back(*ip);
        } else {
          a["ip"].reject(error_type::kInvalid, "\"" + a["ip"].text() + "\" is not an IP address");
        }
        e.ready = e.serving = ready;
        e.node_name = a["nodeName"].symbol();
        if (a["targetRef"]["kind"].text() == "Pod") e.target_pod = a["targetRef"]["name"].symbol();
        slice.endpoints.push_back(std::move(e));
      });
    };
    add(subset["addresses"], true);
    add(subset["notReadyAddresses"], false);
    subset["ports"].each([&](const Field& f) {
      slice.ports.push_back({f["name"].symbol(), decode_protocol(f["protocol"]), f["port"].port().value_or(0),
                             f["appProtocol"].optional_text()});
    });
    out.emplace_back(std::move(slice));
  });
}

namespace {

IngressBackend decode_backend(const Field& f) {
  IngressBackend b;
  b.pos = f.pos();
  const Field service = f["service"];
  b.resource = f["resource"].present();
  if (b.resource)
    f["resource"].warn(kFieldNotModelled,
                       "resource backends are not modelled; requests routed here have no known backend");
  if (service) {
    b.service = service["name"].symbol();
    const Field name = service["port"]["name"];
    if (name) {
      b.port = name.symbol();
    } else {
      b.port = service["port"]["number"].port().value_or(0);
    }
  } else if (f["serviceName"]) {
    f["serviceName"].warn(kFieldUnknown, "extensions/v1beta1 backend",
                          "write service.name and service.port of networking.k8s.io/v1");
  }
  return b;
}

}  // namespace

void decode_ingress(const Field& root, ObjectMeta meta, Decoded& out) {
  Ingress ingress;
  ingress.meta = std::move(meta);
  const Field spec = root["spec"];
  spec.only({"ingressClassName", "defaultBackend", "rules", "tls"});
  ingress.ingress_class_name = spec["ingressClassName"].optional_text();
  if (spec["defaultBackend"]) ingress.default_backend = decode_backend(spec["defaultBackend"]);
  spec["rules"].each([&](const Field& r) {
    r.only({"host", "http"});
    IngressRule rule;
    rule.pos = r.pos();
    rule.host = r["host"].text();
    r["http"]["paths"].each([&](const Field& p) {
      p.only({"path", "pathType", "backend"});
      IngressPath path;
      path.pos = p.pos();
      path.path = p["path"].text();
      const auto type = p["pathType"].one_of({"Exact", "Prefix", "ImplementationSpecific"});
      if (!p["pathType"]) p["pathType"].reject(error_type::kRequired, "pathType must be given");
      path.type = type == "Exact"    ? IngressPathType::Exact
                  : type == "Prefix" ? IngressPathType::Prefix
                                     : IngressPathType::ImplementationSpecific;
      path.backend = decode_backend(p["backend"]);
      rule.paths.push_back(std::move(path));
    });
    ingress.rules.push_back(std::move(rule));
  });
  spec["tls"].each([&](const Field& t) {
    ingress.tls.push_back({t["hosts"].texts(), t["secretName"].text()});
  });
  out.emplace_back(std::move(ingress));
}

// A Route of OpenShift publishes Services as an Ingress does, through a router of its own; `meta` keeps its
// kind. Its port is one of the endpoints: their number, the Service's target port, or their name, the Service
// port's; without it all (port 0).
// Source: openshift/api route/v1/types.go RouteSpec, RouteTargetReference (weight 0 takes no request),
// RoutePort
void decode_openshift_route(const Field& root, ObjectMeta meta, Decoded& out) {
  Ingress route;
  route.meta = std::move(meta);
  const Field spec = root["spec"];
  IngressRule rule;
  rule.pos = spec.pos();
  rule.host = spec["host"].text();
  // Source: openshift/api route/v1/types.go WildcardPolicySubdomain
  if (spec["wildcardPolicy"].text() == "Subdomain")
    if (const auto dot = rule.host.find('.'); dot != std::string::npos)
      rule.host = "*" + rule.host.substr(dot);
  if (spec["tls"].present()) route.tls.push_back({{rule.host}, ""});
  IngressBackend backend;
  if (const auto port = spec["port"]["targetPort"].int_or_string()) {
    const auto* number = std::get_if<std::int64_t>(&*port);
    if (number == nullptr) {
      backend.port = intern(std::get<std::string>(*port));
    } else if (*number >= 1 && *number <= 65535) {
      backend.port = static_cast<std::uint16_t>(*number);
    } else {
      spec["port"]["targetPort"].reject(
          error_type::kInvalid, "expected a port number from 1 to 65535, found " + std::to_string(*number));
    }
  }
  const auto add = [&](const Field& target) {
    if (target["weight"].integer().value_or(1) == 0) return;
    backend.service = target["name"].symbol();
    backend.pos = target.pos();
    rule.paths.push_back({spec["path"].text(), IngressPathType::Prefix, backend, target.pos()});
  };
  if (spec["to"]) add(spec["to"]);
  spec["alternateBackends"].each(add);
  route.rules.push_back(std::move(rule));
  out.emplace_back(std::move(route));
}

void decode_ingress_class(const Field& root, ObjectMeta meta, Decoded& out) {
  out.emplace_back(IngressClass{std::move(meta), root["spec"]["controller"].text()});
}

}  // namespace waypath::model
