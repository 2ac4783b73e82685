#pragma once
// Small clusters with NetworkPolicies drawn by chance, and what the Kubernetes API text says of them, worked
// out connection by connection from the text of staging/src/k8s.io/api/networking/v1/types.go. It shares no
// code with the product.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/dice.h"

namespace waypath::tests::netpol {

using Labels = std::map<std::string, std::string>;

struct Expression {
  std::string key, op;  // In, NotIn, Exists, DoesNotExist
  std::vector<std::string> values;
};

struct Selector {
  Labels labels;
  std::vector<Expression> expressions;
};

struct Block {
  std::string cidr;
  std::vector<std::string> except;
};

struct Peer {
  std::optional<Selector> pods, namespaces;
  std::optional<Block> block;
};

struct Port {
  std::string protocol;              // "" = absent, which means TCP
  std::optional<std::uint16_t> low;  // with neither: every port
  std::optional<std::uint16_t> high;
  std::string name;
};

struct Rule {
  std::vector<Peer> peers;
  std::vector<Port> ports;
};

struct Policy {
  std::string ns, name;
  Selector pods;
  std::vector<std::string> types;  // empty = absent
  std::optional<std::vector<Rule>> ingress, egress;
};

struct ContainerPort {
  std::string name, protocol;
  std::uint16_t port;
};

struct Pod {
  std::string ns, name, ip;
  Labels labels;
  std::vector<ContainerPort> ports;
};

struct World {
  std::map<std::string, Labels> namespaces;
  std::vector<Pod> pods;
  std::vector<Policy> policies;
};

[[nodiscard]] World draw(Dice& dice);
[[nodiscard]] Policy draw_policy(Dice& dice, const std::string& name);
[[nodiscard]] Rule draw_rule(Dice& dice);

/// As manifests; `backwards` turns the order of documents, rules, peers and ports around.
[[nodiscard]] std::string yaml(const World& world, bool backwards = false);

/// One end of a connection: a pod, or an IPv4 address outside.
struct End {
  const Pod* pod = nullptr;
  std::string address;
};
[[nodiscard]] bool selects(const Selector& selector, const Labels& labels);
[[nodiscard]] bool leaves(const World& world, const End& from, const End& to, const std::string& protocol,
                          std::uint16_t port);
[[nodiscard]] bool enters(const World& world, const End& from, const End& to, const std::string& protocol,
                          std::uint16_t port);

}  // namespace waypath::tests::netpol
