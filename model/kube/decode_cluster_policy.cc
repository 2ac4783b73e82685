// AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy with the rules of their CRDs.
// Source: kubernetes-sigs/network-policy-api apis/v1alpha1, apis/v1alpha2 (kubebuilder markers)

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "model/diagnostic_codes.h"
#include "model/load/decoders.h"

namespace waypath::model {
namespace {

struct Flavour {
  bool cluster = false;   // ClusterNetworkPolicy
  bool baseline = false;  // BaselineAdminNetworkPolicy
  [[nodiscard]] std::size_t most_rules() const { return cluster ? 25 : 100; }
};

void count_within(const Field& list, std::size_t most, std::string_view what) {
  if (list.size() > most)
    list.reject(error_type::kTooMany, "at most " + std::to_string(most) + " " + std::string(what) +
                                          ", found " + std::to_string(list.size()));
}

std::vector<Symbol> symbols(const Field& list) {
  std::vector<Symbol> out;
  list.each([&](const Field& f) { out.push_back(f.symbol()); });
  return out;
}

void removed_labels(const Field& f, NamespacedPodSelector& out) {
  for (const std::string_view key : {"sameLabels", "notSameLabels"}) {
    if (!f[key]) continue;
    f[key].warn(kFieldIgnored, "removed from the API; honoured here as older CRDs did",
                "write a namespaceSelector instead");
    (key == "sameLabels" ? out.same_labels : out.not_same_labels) = symbols(f[key]);
  }
}

/// Where `namespaces` stands: only peers of the first v1alpha1 had a selector inside of it, and labels to
/// compare. Source: kubernetes-sigs/network-policy-api v0.1.2 apis/v1alpha1 NamespacedPeer
enum class Namespaces : std::uint8_t { Selector, OldPeer };

NamespacedPodSelector decode_namespaces(const Field& f, Namespaces shape) {
  NamespacedPodSelector out;
  if (shape == Namespaces::Selector || (!f["sameLabels"] && !f["notSameLabels"] && !f["namespaceSelector"])) {
    out.namespace_selector = decode_selector(f);
    return out;
  }
  f.only({"namespaceSelector", "sameLabels", "notSameLabels"});
  out.namespace_selector = decode_selector(f["namespaceSelector"]);
  removed_labels(f, out);
  return out;
}

// Source: network-policy-api apis/v1alpha1 NamespacedPod asks for both selectors, apis/v1alpha2 for
// podSelector alone: without namespaceSelector the pods of every namespace are meant.
NamespacedPodSelector decode_pods(const Field& f, Namespaces shape, Flavour flavour) {
  NamespacedPodSelector out;
  const bool old = shape == Namespaces::OldPeer && f["namespaces"];
  if (old)
    f.only({"namespaces", "podSelector"});
  else
    f.only({"namespaceSelector", "podSelector"});
  if (old) {
    out = decode_namespaces(f["namespaces"], shape);
  } else {
    out.namespace_selector = decode_selector(f["namespaceSelector"]);
  }
  out.pod_selector = decode_selector(f["podSelector"]);
  if (flavour.cluster) {
    if (!f["podSelector"])
      f["podSelector"].reject(error_type::kRequired, "pods needs its podSelector", "write podSelector: {}");
    return out;
  }
  for (const std::string_view key : {"namespaceSelector", "podSelector"}) {
    if (!f[key].present() && !old)
      f[key].refuse_softly(
          error_type::kRequired,
          "the CRD asks for both selectors; a missing one is read as {}, which selects everything",
          "write " + std::string(key) + ": {}");
  }
  return out;
}

void decode_networks(const Field& f, ClusterPolicyPeer& peer) {
  if (f.size() == 0) f.reject(error_type::kRequired, "networks needs 1 to 25 CIDR blocks");
  count_within(f, 25, "networks");
  std::vector<std::string> seen;
  f.each([&](const Field& n) {
    const auto text = n.text();
    if (std::find(seen.begin(), seen.end(), text) != seen.end())
      n.reject(error_type::kDuplicate, "\"" + text + "\" is listed twice");
    seen.push_back(text);
    if (text.size() > 43) n.reject(error_type::kInvalid, "a CIDR block has at most 43 characters");
    if (const auto cidr = decode_cidr(n)) peer.networks.push_back(*cidr);
  });
}

// Source: network-policy-api apis/v1alpha2 DomainName: two parts or more of letters, digits, "-" and "_", an
// optional leading "*." and trailing "."
bool domain_pattern(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  int parts = 0;
  for (;; ++parts) {
    const std::size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || !alnum(part.front()) || !alnum(part.back()) ||
        !std::all_of(part.begin(), part.end(), [&](char c) { return alnum(c) || c == '-' || c == '_'; }))
      return false;
    if (dot == std::string_view::npos) return parts > 0;
    text.remove_prefix(dot + 1);
  }
}

/// Code points: CRDs count these.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Every member is null: what the API server takes for an object without members.
bool without_members(const Field& f) {
  bool none = true;
  if (f.present())
    f.each_member([&](std::string_view, const Field& value) { none = none && !value.present(); });
  return none;
}

void decode_domains(const Field& f, ClusterPolicyPeer& peer, TierAction action, Flavour flavour) {
  if (flavour.baseline) f.reject(error_type::kInvalid, "BaselineAdminNetworkPolicy has no domainNames");
  if (action != TierAction::Accept)
    f.reject(error_type::kInvalid, "domainNames are allowed in rules that accept only");
  if (f.size() == 0) f.reject(error_type::kRequired, "domainNames needs 1 to 25 names");
  count_within(f, 25, "domainNames");
  f.each([&](const Field& n) {
    auto text = n.text();
    if (std::find(peer.domain_names.begin(), peer.domain_names.end(), text) != peer.domain_names.end())
      n.reject(error_type::kDuplicate, "\"" + text + "\" is listed twice");
    if (!domain_pattern(text))
      n.reject(error_type::kInvalid, "\"" + text + "\" is no domain name; one leading \"*.\" is allowed");
    peer.domain_names.push_back(std::move(text));
  });
}

ClusterPolicyPeer decode_peer(const Field& f, bool ingress, TierAction action, Flavour flavour) {
  ClusterPolicyPeer peer;
  peer.pos = f.pos();
  const std::string expected = ingress ? "exactly one of namespaces, pods"
                                       : "exactly one of namespaces, pods, nodes, networks, domainNames";
  if (f.written() && !f.present()) {
    f.reject(error_type::kRequired, expected);
    return peer;
  }
  if (ingress) {
    if (!f.only({"namespaces", "pods"})) return peer;
  } else if (!f.only({"namespaces", "pods", "nodes", "networks", "domainNames"})) {
    return peer;
  }
  int known = 0;
  for (const std::string_view key : {"namespaces", "pods", "nodes", "networks", "domainNames"})
    known += f[key].present() ? 1 : 0;
  if (known > 1) f.reject(error_type::kInvalid, expected + "; found " + std::to_string(known));
  if (without_members(f)) f.reject(error_type::kRequired, expected);
  peer.unknown_field = known == 0;
  const Namespaces shape = flavour.cluster ? Namespaces::Selector : Namespaces::OldPeer;
  if (f["namespaces"]) peer.pods = decode_namespaces(f["namespaces"], shape);
  if (f["pods"]) peer.pods = decode_pods(f["pods"], shape, flavour);
  if (ingress) return peer;
  if (f["nodes"]) peer.nodes = decode_selector(f["nodes"]);
  if (f["networks"]) decode_networks(f["networks"], peer);
  if (f["domainNames"]) decode_domains(f["domainNames"], peer, action, flavour);
  return peer;
}

void decode_range(const Field& f, ClusterPolicyPort& port, Flavour flavour) {
  f.only({"protocol", "start", "end"});
  if (!f["start"]) f["start"].reject(error_type::kRequired, "a range needs start and end");
  if (!f["end"]) f["end"].reject(error_type::kRequired, "a range needs start and end");
  port.start = f["start"].port().value_or(0);
  port.end = f["end"].port().value_or(0);
  // v1alpha1 has no such rule, yet a range that holds nothing can only be a slip.
  if (port.start != 0 && port.end != 0 &&
      (port.start > port.end || (flavour.cluster && port.start == port.end)))
    f.reject(error_type::kInvalid, "start has to be below end; found " + std::to_string(port.start) +
                                       " and " + std::to_string(port.end));
}

ClusterPolicyPort decode_admin_port(const Field& f, Flavour flavour) {
  ClusterPolicyPort port;
  port.pos = f.pos();
  f.only({"portNumber", "portRange", "namedPort"});
  int known = 0;
  for (const std::string_view key : {"portNumber", "portRange", "namedPort"})
    known += f[key].present() ? 1 : 0;
  if (known != 1)
    f.reject(error_type::kInvalid,
             "exactly one of portNumber, portRange, namedPort; found " + std::to_string(known));
  if (const Field number = f["portNumber"]) {
    number.only({"protocol", "port"});
    port.protocol = decode_protocol(number["protocol"]);
    if (!number["port"]) number["port"].reject(error_type::kRequired, "portNumber needs its port");
    port.start = port.end = number["port"].port().value_or(0);
  } else if (const Field range = f["portRange"]) {
    port.protocol = decode_protocol(range["protocol"]);
    decode_range(range, port, flavour);
  } else if (f["namedPort"]) {
    port.named = f["namedPort"].symbol();
  }
  return port;
}

ClusterPolicyPort decode_protocol_entry(const Field& f, Flavour flavour) {
  ClusterPolicyPort port;
  port.pos = f.pos();
  f.only({"tcp", "udp", "sctp", "destinationNamedPort"});
  int known = 0;
  for (const std::string_view key : {"tcp", "udp", "sctp", "destinationNamedPort"})
    known += f[key].written() ? 1 : 0;
  if (known != 1)
    f.reject(error_type::kInvalid,
             "exactly one of tcp, udp, sctp, destinationNamedPort; found " + std::to_string(known));
  if (f["destinationNamedPort"]) {
    port.named = f["destinationNamedPort"].symbol();
    return port;
  }
  for (const auto& [key, protocol] : {std::pair{"tcp", Protocol::Tcp}, std::pair{"udp", Protocol::Udp},
                                      std::pair{"sctp", Protocol::Sctp}}) {
    const Field entry = f[key];
    if (!entry.written()) continue;
    port.protocol = protocol;
    const Field destination = entry["destinationPort"];
    if (entry.present()) entry.only({"destinationPort"});
    if (!destination) {
      // Source: network-policy-api apis/v1alpha2 ClusterNetworkPolicyProtocolTCP (MinProperties=1)
      if (without_members(entry))
        entry.reject(error_type::kRequired, "a protocol needs its destinationPort",
                     "leave protocols out to mean every port of every protocol");
      continue;
    }
    destination.only({"number", "range"});
    if (destination["number"].present() == destination["range"].present())
      destination.reject(error_type::kInvalid, "exactly one of number, range");
    if (destination["range"]) {
      decode_range(destination["range"], port, flavour);
    } else {
      port.start = port.end = destination["number"].port().value_or(0);
    }
  }
  return port;
}

TierAction decode_action(const Field& f, Flavour flavour) {
  if (!f) {
    f.reject(error_type::kRequired, "a rule needs its action");
    return TierAction::Deny;
  }
  const auto text = flavour.cluster    ? f.one_of({"Accept", "Deny", "Pass"})
                    : flavour.baseline ? f.one_of({"Allow", "Deny"})
                                       : f.one_of({"Allow", "Deny", "Pass"});
  return text == "Deny" ? TierAction::Deny : text == "Pass" ? TierAction::Pass : TierAction::Accept;
}

std::vector<ClusterPolicyRule> decode_rules(const Field& list, bool ingress, Flavour flavour) {
  std::vector<ClusterPolicyRule> out;
  count_within(list, flavour.most_rules(), "rules");
  const std::string_view peers_key = ingress ? "from" : "to";
  const std::string_view ports_key = flavour.cluster ? "protocols" : "ports";
  list.each([&](const Field& f) {
    ClusterPolicyRule rule;
    rule.pos = f.pos();
    f.only({"name", "action", peers_key, ports_key});
    rule.name = f["name"].text();
    if (characters(rule.name) > 100)
      f["name"].reject(error_type::kInvalid, "a rule's name has at most 100 characters");
    rule.action = decode_action(f["action"], flavour);
    const Field peers = f[peers_key];
    if (peers.size() == 0)
      peers.reject(error_type::kRequired, "a rule needs at least one peer",
                   "namespaces: {} admits every pod");
    count_within(peers, flavour.most_rules(), "peers");
    peers.each([&](const Field& p) { rule.peers.push_back(decode_peer(p, ingress, rule.action, flavour)); });
    const Field ports = f[ports_key];
    rule.all_ports = !ports.present();
    if (ports.present() && ports.node()->is_sequence() && ports.size() == 0)
      ports.reject(error_type::kInvalid, "an empty list is refused", "leave it out to mean every port");
    count_within(ports, flavour.most_rules(), "entries");
    ports.each([&](const Field& p) {
      rule.ports.push_back(flavour.cluster ? decode_protocol_entry(p, flavour)
                                           : decode_admin_port(p, flavour));
    });
    const bool named =
        std::any_of(rule.ports.begin(), rule.ports.end(), [](const auto& p) { return !p.named.empty(); });
    const bool external = std::any_of(rule.peers.begin(), rule.peers.end(), [](const auto& p) {
      return !p.networks.empty() || p.nodes || !p.domain_names.empty();
    });
    if (named && external)
      ports.reject(error_type::kInvalid,
                   "named ports cannot be combined with networks, nodes or domainNames peers");
    out.push_back(std::move(rule));
  });
  return out;
}

void decode_subject(const Field& f, ClusterPolicy& policy, Flavour flavour) {
  if (!f) {
    f.reject(error_type::kRequired, "a policy needs its subject",
             "subject: {namespaces: {}} selects every pod");
    return;
  }
  f.only({"namespaces", "pods"});
  const int known = (f["namespaces"].present() ? 1 : 0) + (f["pods"].present() ? 1 : 0);
  if (known != 1) {
    f.reject(error_type::kInvalid, "exactly one of namespaces, pods; found " + std::to_string(known));
    return;
  }
  policy.subject = f["pods"] ? decode_pods(f["pods"], Namespaces::Selector, flavour)
                             : decode_namespaces(f["namespaces"], Namespaces::Selector);
}

void decode_common(const Field& root, ClusterPolicy& policy, Flavour flavour) {
  const Field spec = root["spec"];
  if (!flavour.baseline) {
    const Field priority = spec["priority"];
    if (!priority) priority.reject(error_type::kRequired, "a policy needs its priority, 0 to 1000");
    if (const auto value = priority.integer()) {
      if (*value < 0 || *value > 1000) {
        priority.reject(error_type::kInvalid,
                        "expected a priority from 0 to 1000, found " + std::to_string(*value));
      } else {
        policy.priority = static_cast<int>(*value);
      }
    }
  }
  decode_subject(spec["subject"], policy, flavour);
  policy.ingress = decode_rules(spec["ingress"], true, flavour);
  policy.egress = decode_rules(spec["egress"], false, flavour);
}

}  // namespace

void decode_admin_network_policy(const Field& root, ObjectMeta meta, Decoded& out) {
  ClusterPolicy policy;
  policy.meta = std::move(meta);
  Flavour flavour;
  flavour.baseline = policy.meta.key.kind == std::string_view("BaselineAdminNetworkPolicy");
  policy.tier = flavour.baseline ? PolicyTier::Baseline : PolicyTier::Admin;
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  if (flavour.baseline) {
    root["spec"].only({"subject", "ingress", "egress"});
    if (policy.meta.key.name != std::string_view("default"))
      root["metadata"]["name"].reject(error_type::kInvalid,
                                      "the only BaselineAdminNetworkPolicy is named \"default\"");
  } else {
    root["spec"].only({"priority", "subject", "ingress", "egress"});
  }
  decode_common(root, policy, flavour);
  out.emplace_back(std::move(policy));
}

void decode_cluster_network_policy(const Field& root, ObjectMeta meta, Decoded& out) {
  ClusterPolicy policy;
  policy.meta = std::move(meta);
  root.only({"apiVersion", "kind", "metadata", "spec"}, {"status"});
  const Field spec = root["spec"];
  spec.only({"tier", "priority", "subject", "ingress", "egress"});
  if (!spec["tier"])
    spec["tier"].reject(error_type::kRequired, "a ClusterNetworkPolicy needs its tier, Admin or Baseline");
  policy.tier =
      spec["tier"].one_of({"Admin", "Baseline"}) == "Baseline" ? PolicyTier::Baseline : PolicyTier::Admin;
  decode_common(root, policy, Flavour{.cluster = true, .baseline = false});
  out.emplace_back(std::move(policy));
}

}  // namespace waypath::model
