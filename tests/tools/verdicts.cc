#include "tests/tools/verdicts.h"

namespace waypath::tests {

using namespace sim;  // NOLINT(google-build-using-namespace): builds values of this one header

model::ResourceKey key(const std::string& kind, const std::string& ns, const std::string& name) {
  return {model::intern(kind), {}, model::intern(ns), model::intern(name)};
}

namespace {

HopResult hop(HopKind kind, const std::string& ns, const std::string& name) {
  HopResult h;
  h.kind = kind;
  h.ns = ns;
  h.name = name;
  return h;
}

LegResult leg(std::size_t from, Transport transport, std::uint16_t wire, std::uint16_t inner,
              Decision decision) {
  LegResult l;
  l.from = from;
  l.to = from + 1;
  l.transport = transport;
  l.source = "10.0.0.1";
  l.destination = "10.0.0.2";
  l.wire_port = wire;
  l.inner_port = inner;
  l.decision = decision;
  l.dropped = decision == Decision::Drop;
  return l;
}

}  // namespace

Verdict dropped_at_last_leg(const std::string& policy) {
  PathVerdict path;
  path.outcome = Outcome::Timeout;
  path.symptom = "http 503 UC after 10s";
  path.hops = {hop(HopKind::External, "", "internet"), hop(HopKind::Gateway, "edge", "public"),
               hop(HopKind::Waypoint, "app", "wp"), hop(HopKind::Ztunnel, "app", "server-0")};
  path.hops[2].seen_peer.principal = "cluster.local/ns/edge/sa/public";
  path.hops[3].seen_peer.principal = "cluster.local/ns/app/sa/wp";
  path.legs = {leg(0, Transport::Tls, 8443, 0, Decision::Allow),
               leg(1, Transport::Hbone, 15008, 80, Decision::NotApplicable),
               leg(2, Transport::Hbone, 15008, 8080, Decision::Drop)};
  const ObjectAt by{key("NetworkPolicy", "app", policy), {}, 0, "ingress"};
  TraceNode node;
  node.layer = "NetworkPolicy";
  node.decision = Decision::Drop;
  node.reason = {Code{"NETPOL_INGRESS_HBONE_PORT"}, by, "matches the peer, lists only TCP 9090"};
  path.legs[2].ingress = {node};
  path.decided_at_leg = 2;
  path.reason = node.reason;
  path.deciders = {by};
  path.near_misses = {{by, "would match if it listed TCP 15008"}};
  path.assumptions = {{Code{"ASSUME_ISTIO_VERSION"}, "Istio 1.28.3: the manifests name no version", {}}};
  path.backend = "app/server";
  Verdict verdict;
  verdict.from = "internet";
  verdict.to = "https://app.example.com/";
  verdict.outcome = path.outcome;
  verdict.symptom = path.symptom;
  verdict.istio_version = "1.28.3";
  verdict.paths = {path};
  return verdict;
}

Verdict allowed_with_bypass() {
  PathVerdict path;
  path.outcome = Outcome::Allow;
  path.symptom = "reaches app";
  path.hops = {hop(HopKind::Client, "shop", "cart"), hop(HopKind::Ztunnel, "shop", "cart-0"),
               hop(HopKind::Ztunnel, "app", "server-0"), hop(HopKind::Application, "app", "server")};
  path.hops[2].seen_peer.principal = "cluster.local/ns/shop/sa/cart";
  path.legs = {leg(0, Transport::InPod, 0, 0, Decision::NotApplicable),
               leg(1, Transport::Hbone, 15008, 8080, Decision::Allow),
               leg(2, Transport::InPod, 0, 8080, Decision::NotApplicable)};
  path.reason.code = Code{"REACHES_APP"};
  path.bypassed = {"waypoint app/wp: the Service lacks the label"};
  path.bypass_causes = {{key("Service", "app", "server"), {}, -1, {}}};
  path.backend = "app/server";
  path.backend_pod = "server-0";
  path.backend_request =
      BackendRequest{"server.app", "/", {{"x-user", "a"}, {"x-user", "b"}}, {"cookie"}, 8080};
  Verdict verdict;
  verdict.from = "shop/cart-0";
  verdict.to = "http://server.app/";
  verdict.outcome = path.outcome;
  verdict.symptom = path.symptom;
  verdict.istio_version = "1.28.3";
  verdict.paths = {path};
  return verdict;
}

}  // namespace waypath::tests
