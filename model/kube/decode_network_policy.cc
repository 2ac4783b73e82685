// networking.k8s.io/v1 NetworkPolicy with the API server's validation.
// Source: kubernetes pkg/apis/networking/validation/validation.go

#include <cctype>
#include <string>

#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

NetworkPolicyPort decode_port(const Field& f) {
  NetworkPolicyPort p;
  p.pos = f.pos();
  if (!f.only({"protocol", "port", "endPort"})) return p;
  p.protocol = decode_protocol(f["protocol"]);
  const Field port = f["port"];
  std::optional<std::int64_t> number;
  if (const auto value = port.int_or_string()) {
    if (const auto* n = std::get_if<std::int64_t>(&*value)) {
      number = *n;
      if (*n >= 1 && *n <= 65535) {
        p.port = static_cast<std::uint16_t>(*n);
      } else {
        port.reject(error_type::kInvalid,
                    "expected a port number from 1 to 65535, found " + std::to_string(*n));
      }
    } else {
      const auto& name = std::get<std::string>(*value);
      if (const char* bad = check_port_name(name)) {
        port.reject(error_type::kInvalid, "\"" + name + "\": " + bad,
                    name.find_first_not_of("0123456789") == std::string::npos
                        ? "write the number without quotes"
                        : "");
      } else {
        p.port = intern(name);
      }
    }
  }
  const Field end = f["endPort"];
  if (const auto value = end.integer()) {
    if (!port) {
      end.reject(error_type::kInvalid, "endPort needs a port");
    } else if (!number) {
      end.reject(error_type::kInvalid, "endPort needs a numeric port, not a name");
    } else if (*value < *number) {
      end.reject(error_type::kInvalid,
                 "endPort " + std::to_string(*value) + " is below port " + std::to_string(*number));
    } else if (*value < 1 || *value > 65535) {
      end.reject(error_type::kInvalid,
                 "expected a port number from 1 to 65535, found " + std::to_string(*value));
    } else {
      p.end_port = static_cast<std::uint16_t>(*value);
    }
  }
  return p;
}

// Octets with leading zeros are legal here and decimal.
// Source: kubernetes apimachinery pkg/util/validation/ip.go IsValidCIDRForLegacyField; k8s.io/utils
// internal/third_party/forked/golang/net/parse.go
std::optional<Cidr> decode_block(const Field& f) {
  const auto text = f.optional_text();
  if (!text) return std::nullopt;
  if (text->find(':') != std::string::npos) return decode_cidr(f);
  std::string plain;
  for (std::size_t i = 0; i < text->size(); ++i) {
    const bool starts = i == 0 || (*text)[i - 1] == '.';
    if (starts)
      while (i + 1 < text->size() && (*text)[i] == '0' &&
             std::isdigit(static_cast<unsigned char>((*text)[i + 1])) != 0)
        ++i;
    plain += (*text)[i];
  }
  const auto block = plain == *text ? std::nullopt : parse_cidr(plain);
  if (!block) return decode_cidr(f);
  f.warn(kFieldInvalid, "leading zeros are read as decimal; strict IP validation refuses them",
         "write " + plain);
  return block;
}

IpBlock decode_ip_block(const Field& f) {
  IpBlock block;
  block.pos = f.pos();
  if (!f.only({"cidr", "except"})) return block;
  const Field cidr = f["cidr"];
  std::optional<Cidr> outer;
  if (!cidr.present() || (cidr.node()->is_string() && cidr.node()->scalar.empty())) {
    cidr.reject(error_type::kRequired, "an ipBlock needs its cidr");
  } else {
    outer = decode_block(cidr);
  }
  if (outer) block.cidr = *outer;
  f["except"].each([&](const Field& e) {
    if (!e.present()) e.reject(error_type::kInvalid, "expected a CIDR block; found nothing");
    const auto inner = decode_block(e);
    if (!inner) return;
    // Equal ranges and the other address family are no strict subset.
    if (outer && (!outer->contains(*inner) || *outer == *inner)) {
      e.reject(error_type::kInvalid, inner->str() + " is not a strict subset of " + outer->str());
      return;
    }
    block.except.push_back(*inner);
  });
  return block;
}

NetworkPolicyPeer decode_peer(const Field& f) {
  NetworkPolicyPeer peer;
  peer.pos = f.pos();
  if (f.written() && !f.present()) {
    f.reject(error_type::kRequired, "a peer needs podSelector, namespaceSelector or ipBlock");
    return peer;
  }
  if (!f.only({"podSelector", "namespaceSelector", "ipBlock"})) return peer;
  if (const Field s = f["podSelector"]) peer.pod_selector = decode_selector(s);
  if (const Field s = f["namespaceSelector"]) peer.namespace_selector = decode_selector(s);
  if (const Field b = f["ipBlock"]) peer.ip_block = decode_ip_block(b);
  const bool selects = peer.pod_selector || peer.namespace_selector;
  if (!selects && !peer.ip_block) {
    f.reject(error_type::kRequired, "a peer needs podSelector, namespaceSelector or ipBlock",
             "leave the whole list out to admit every peer");
  } else if (selects && peer.ip_block) {
    f.reject(error_type::kForbidden, "ipBlock cannot be combined with a selector", "write two peers");
  }
  return peer;
}

std::vector<NetworkPolicyRule> decode_rules(const Field& rules, std::string_view peers) {
  std::vector<NetworkPolicyRule> out;
  rules.each([&](const Field& f) {
    NetworkPolicyRule rule;
    rule.pos = f.pos();
    if (f.present()) {
      f.only({"ports", peers});
      f["ports"].each([&](const Field& p) { rule.ports.push_back(decode_port(p)); });
      f[peers].each([&](const Field& p) { rule.peers.push_back(decode_peer(p)); });
    }
    out.push_back(std::move(rule));
  });
  return out;
}

}  // namespace

void decode_network_policy(const Field& root, ObjectMeta meta, Decoded& out) {
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  NetworkPolicy policy;
  policy.meta = std::move(meta);
  const Field spec = root["spec"];
  policy.spec_pos = spec.pos();
  spec.only({"podSelector", "policyTypes", "ingress", "egress"});
  policy.pod_selector = decode_selector(spec["podSelector"]);
  policy.ingress = decode_rules(spec["ingress"], "from");
  policy.egress = decode_rules(spec["egress"], "to");
  const Field types = spec["policyTypes"];
  bool ingress = false, egress = false;
  types.each([&](const Field& f) {
    if (!f.present()) f.reject(error_type::kNotSupported, "expected one of Ingress, Egress; found nothing");
    const auto type = f.one_of({"Ingress", "Egress"});
    ingress |= type == "Ingress";
    egress |= type == "Egress";
  });
  if (types.size() > 2 && types.node()->is_sequence())
    types.reject(error_type::kInvalid, "at most two policyTypes, found " + std::to_string(types.size()));
  policy.types_given = types.size() != 0;
  // Without policyTypes: Ingress always, Egress when an egress section with a rule is there.
  // Source: kubernetes pkg/apis/networking/v1/defaults.go SetDefaults_NetworkPolicy
  policy.affects_ingress = policy.types_given ? ingress : true;
  policy.affects_egress = policy.types_given ? egress : !policy.egress.empty();
  out.emplace_back(std::move(policy));
}

}  // namespace waypath::model
