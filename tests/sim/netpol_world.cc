#include "tests/sim/netpol_world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

namespace waypath::tests::netpol {
namespace {

const std::vector<std::string> kApps{"a", "b", "c"}, kTiers{"x", "y"}, kTeams{"red", "blue"};
const std::vector<std::string> kBlocks{"10.0.0.0/8", "10.0.1.0/24", "10.0.0.1/32", "0.0.0.0/0",
                                       "192.0.2.0/24"};
const std::vector<std::string> kProtocols{"", "TCP", "UDP", "SCTP"};
const std::vector<std::uint16_t> kPorts{53, 80, 8080, 9090, 15008};

Labels draw_labels(Dice& d) {
  Labels out{{"app", d.pick(kApps)}};
  if (d.coin()) out["tier"] = d.pick(kTiers);
  return out;
}

Selector draw_selector(Dice& d, const std::string& key, const std::vector<std::string>& values) {
  Selector out;
  if (d.one_in(4)) return out;
  if (d.coin()) {
    out.labels[key] = d.pick(values);
    return out;
  }
  const std::string op = d.pick(std::vector<std::string>{"In", "NotIn", "Exists", "DoesNotExist"});
  Expression e{key, op, {}};
  if (op == "In" || op == "NotIn") e.values = {d.pick(values)};
  out.expressions.push_back(std::move(e));
  return out;
}

Selector draw_pods(Dice& d) {
  return d.coin() ? draw_selector(d, "app", kApps) : draw_selector(d, "tier", kTiers);
}

Peer draw_peer(Dice& d) {
  Peer out;
  switch (d.roll(4)) {
    case 0:
      out.pods = draw_pods(d);
      break;
    case 1:
      out.namespaces = draw_selector(d, "team", kTeams);
      break;
    case 2:
      out.pods = draw_pods(d);
      out.namespaces = draw_selector(d, "team", kTeams);
      break;
    default: {
      Block block{d.pick(kBlocks), {}};
      if (block.cidr == "10.0.0.0/8" && d.coin()) block.except.emplace_back("10.0.1.0/24");
      if (block.cidr == "0.0.0.0/0" && d.coin()) block.except.emplace_back("192.0.2.0/25");
      out.block = std::move(block);
    }
  }
  return out;
}

Port draw_port(Dice& d) {
  Port out{d.pick(kProtocols), std::nullopt, std::nullopt, ""};
  switch (d.roll(4)) {
    case 0:
      break;
    case 1:
      out.name = d.coin() ? "web" : "dns";
      break;
    case 2:
      out.low = d.pick(kPorts);
      out.high = static_cast<std::uint16_t>(*out.low + d.roll(9000));
      break;
    default:
      out.low = d.pick(kPorts);
  }
  return out;
}

// ---- as manifests ----

std::string text(const Labels& labels) {
  std::vector<std::string> out;
  for (const auto& [key, value] : labels) out.push_back(key + ": " + value);
  return fmt::format("{{{}}}", fmt::join(out, ", "));
}

std::string text(const Selector& s) {
  std::vector<std::string> out;
  if (!s.labels.empty()) out.push_back("matchLabels: " + text(s.labels));
  for (const auto& e : s.expressions)
    out.push_back(fmt::format(
        "matchExpressions: [{{key: {}, operator: {}{}}}]", e.key, e.op,
        e.values.empty() ? std::string() : fmt::format(", values: [{}]", fmt::join(e.values, ", "))));
  return fmt::format("{{{}}}", fmt::join(out, ", "));
}

std::string text(const Peer& p) {
  std::vector<std::string> out;
  if (p.pods) out.push_back("podSelector: " + text(*p.pods));
  if (p.namespaces) out.push_back("namespaceSelector: " + text(*p.namespaces));
  if (p.block)
    out.push_back(fmt::format("ipBlock: {{cidr: {}{}}}", p.block->cidr,
                              p.block->except.empty()
                                  ? std::string()
                                  : fmt::format(", except: [{}]", fmt::join(p.block->except, ", "))));
  return fmt::format("{{{}}}", fmt::join(out, ", "));
}

std::string text(const Port& p) {
  std::vector<std::string> out;
  if (!p.protocol.empty()) out.push_back("protocol: " + p.protocol);
  if (!p.name.empty()) out.push_back("port: " + p.name);
  if (p.low) out.push_back(fmt::format("port: {}", *p.low));
  if (p.high) out.push_back(fmt::format("endPort: {}", *p.high));
  return fmt::format("{{{}}}", fmt::join(out, ", "));
}

template <class T, class Fn>
std::string list(const std::vector<T>& items, bool backwards, const Fn& fn) {
  std::vector<std::string> out;
  for (const T& item : items) out.push_back(fn(item));
  if (backwards) std::reverse(out.begin(), out.end());
  return fmt::format("[{}]", fmt::join(out, ", "));
}

std::string text(const std::vector<Rule>& rules, const char* peers, bool backwards) {
  return list(rules, backwards, [&](const Rule& rule) {
    std::vector<std::string> out;
    if (!rule.peers.empty())
      out.push_back(
          fmt::format("{}: {}", peers, list(rule.peers, backwards, [](const Peer& p) { return text(p); })));
    if (!rule.ports.empty())
      out.push_back("ports: " + list(rule.ports, backwards, [](const Port& p) { return text(p); }));
    return fmt::format("{{{}}}", fmt::join(out, ", "));
  });
}

std::string text(const Policy& p, bool backwards) {
  std::string out = fmt::format(
      "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {}, namespace: {}}}\n"
      "spec:\n  podSelector: {}\n",
      p.name, p.ns, text(p.pods));
  if (!p.types.empty()) out += fmt::format("  policyTypes: [{}]\n", fmt::join(p.types, ", "));
  if (p.ingress) out += "  ingress: " + text(*p.ingress, "from", backwards) + "\n";
  if (p.egress) out += "  egress: " + text(*p.egress, "to", backwards) + "\n";
  return out;
}

// ---- what the API says ----

bool holds(const Expression& e, const Labels& labels) {
  const auto it = labels.find(e.key);
  if (e.op == "Exists") return it != labels.end();
  if (e.op == "DoesNotExist") return it == labels.end();
  const bool listed =
      it != labels.end() && std::find(e.values.begin(), e.values.end(), it->second) != e.values.end();
  return e.op == "In" ? listed : !listed;
}

std::uint32_t number(const std::string& address) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (std::sscanf(address.c_str(), "%u.%u.%u.%u", &a, &b, &c, &d) != 4) return 0;
  return (a << 24U) | (b << 16U) | (c << 8U) | d;
}

bool inside(const std::string& cidr, const std::string& address) {
  const auto slash = cidr.find('/');
  const int prefix = std::stoi(cidr.substr(slash + 1));
  if (prefix == 0) return true;
  const std::uint32_t mask = ~std::uint32_t{0} << static_cast<unsigned>(32 - prefix);
  return (number(cidr.substr(0, slash)) & mask) == (number(address) & mask);
}

bool fits(const World& world, const Peer& peer, const std::string& own_ns, const End& other) {
  if (peer.block) {
    const std::string& address = other.pod != nullptr ? other.pod->ip : other.address;
    return inside(peer.block->cidr, address) &&
           std::none_of(peer.block->except.begin(), peer.block->except.end(),
                        [&](const std::string& e) { return inside(e, address); });
  }
  if (other.pod == nullptr) return false;
  if (!peer.namespaces && other.pod->ns != own_ns) return false;
  if (peer.namespaces && !selects(*peer.namespaces, world.namespaces.at(other.pod->ns))) return false;
  return !peer.pods || selects(*peer.pods, other.pod->labels);
}

bool fits(const Port& p, const End& to, const std::string& protocol, std::uint16_t port) {
  if ((p.protocol.empty() ? "TCP" : p.protocol) != protocol) return false;
  if (!p.name.empty())
    return to.pod != nullptr && std::any_of(to.pod->ports.begin(), to.pod->ports.end(), [&](const auto& c) {
             return c.name == p.name && c.protocol == protocol && c.port == port;
           });
  if (!p.low) return true;
  return p.high ? port >= *p.low && port <= *p.high : port == *p.low;
}

bool affects(const Policy& p, bool egress) {
  if (!p.types.empty())
    return std::find(p.types.begin(), p.types.end(), egress ? "Egress" : "Ingress") != p.types.end();
  return !egress || (p.egress && !p.egress->empty());
}

bool passes(const World& world, bool egress, const End& from, const End& to, const std::string& protocol,
            std::uint16_t port) {
  const End& subject = egress ? from : to;
  const End& other = egress ? to : from;
  if (subject.pod == nullptr) return true;
  if (subject.pod == other.pod) return true;
  bool isolated = false;
  for (const Policy& policy : world.policies) {
    if (policy.ns != subject.pod->ns || !selects(policy.pods, subject.pod->labels) ||
        !affects(policy, egress))
      continue;
    isolated = true;
    const auto& rules = egress ? policy.egress : policy.ingress;
    if (!rules) continue;
    for (const Rule& rule : *rules) {
      const bool peer =
          rule.peers.empty() || std::any_of(rule.peers.begin(), rule.peers.end(),
                                            [&](const Peer& p) { return fits(world, p, policy.ns, other); });
      const bool fit =
          rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(),
                                            [&](const Port& p) { return fits(p, to, protocol, port); });
      if (peer && fit) return true;
    }
  }
  return !isolated;
}

}  // namespace

Rule draw_rule(Dice& d) {
  Rule out;
  for (std::size_t i = d.roll(3); i > 0; --i) out.peers.push_back(draw_peer(d));
  for (std::size_t i = d.roll(3); i > 0; --i) out.ports.push_back(draw_port(d));
  return out;
}

Policy draw_policy(Dice& d, const std::string& name) {
  Policy out;
  out.ns = "n" + std::to_string(d.roll(3));
  out.name = name;
  out.pods = draw_pods(d);
  if (d.coin()) out.types.emplace_back("Ingress");
  if (d.coin()) out.types.emplace_back("Egress");
  const auto rules = [&]() -> std::optional<std::vector<Rule>> {
    if (d.one_in(3)) return std::nullopt;
    std::vector<Rule> list;
    for (std::size_t i = d.roll(3); i > 0; --i) list.push_back(draw_rule(d));
    return list;
  };
  out.ingress = rules();
  out.egress = rules();
  return out;
}

World draw(Dice& d) {
  World out;
  for (std::size_t n = 0; n < 3; ++n) {
    const std::string ns = "n" + std::to_string(n);
    Labels& labels = out.namespaces[ns];
    labels["kubernetes.io/metadata.name"] = ns;
    if (d.coin()) labels["team"] = d.pick(kTeams);
    for (std::size_t i = 1 + d.roll(3); i > 0; --i) {
      Pod pod{ns, fmt::format("p{}", i), fmt::format("10.0.{}.{}", n, i), draw_labels(d), {}};
      pod.ports.push_back({"web", "TCP", d.coin() ? std::uint16_t{80} : std::uint16_t{8080}});
      if (d.coin()) pod.ports.push_back({"dns", "UDP", 53});
      out.pods.push_back(std::move(pod));
    }
  }
  for (std::size_t i = d.roll(5); i > 0; --i) out.policies.push_back(draw_policy(d, fmt::format("np{}", i)));
  return out;
}

std::string yaml(const World& world, bool backwards) {
  std::vector<std::string> documents;
  for (const auto& [name, labels] : world.namespaces)
    documents.push_back(fmt::format(
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {}, labels: {}}}\n", name, text(labels)));
  for (const Pod& pod : world.pods) {
    const std::string ports = list(pod.ports, backwards, [](const ContainerPort& p) {
      return fmt::format("{{name: {}, protocol: {}, containerPort: {}}}", p.name, p.protocol, p.port);
    });
    documents.push_back(
        fmt::format("---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {}, namespace: {}, labels: {}}}\n"
                    "spec: {{containers: [{{name: app, image: app, ports: {}}}]}}\n"
                    "status: {{phase: Running, podIP: {}, podIPs: [{{ip: {}}}], "
                    "conditions: [{{type: Ready, status: \"True\"}}]}}\n",
                    pod.name, pod.ns, text(pod.labels), ports, pod.ip, pod.ip));
  }
  for (const Policy& p : world.policies) documents.push_back(text(p, backwards));
  if (backwards) std::reverse(documents.begin(), documents.end());
  return fmt::format("{}", fmt::join(documents, ""));
}

bool selects(const Selector& selector, const Labels& labels) {
  return std::all_of(selector.labels.begin(), selector.labels.end(),
                     [&](const auto& pair) {
                       const auto it = labels.find(pair.first);
                       return it != labels.end() && it->second == pair.second;
                     }) &&
         std::all_of(selector.expressions.begin(), selector.expressions.end(),
                     [&](const Expression& e) { return holds(e, labels); });
}

bool leaves(const World& world, const End& from, const End& to, const std::string& protocol,
            std::uint16_t port) {
  return passes(world, true, from, to, protocol, port);
}

bool enters(const World& world, const End& from, const End& to, const std::string& protocol,
            std::uint16_t port) {
  return passes(world, false, from, to, protocol, port);
}

}  // namespace waypath::tests::netpol
