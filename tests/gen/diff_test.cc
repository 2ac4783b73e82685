// Two dumps of one cluster that differ in a few objects: what the cut comparison says against the exhaustive
// one.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "bench/gen/generator.h"
#include "model/load/manifest_loader.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/flow_product.h"
#include "scenarios/plan.h"
#include "scenarios/touched_flows.h"
#include "tests/support/dice.h"
#include "tests/support/rounds.h"

namespace waypath::tests {
namespace {

using Json = nlohmann::json;
using EnginePtr = std::shared_ptr<const sim::Engine>;

// Three namespaces, policies of every kind, waypoints, routes, and a name server that all depend on.
Json dump(std::uint64_t seed) {
  gen::Parameters p = gen::profile("teams", "S");
  p.seed = seed;
  p.namespaces = 3;
  p.pods = 0;
  p.workloads = 5;
  p.replicas = 2;
  p.policies = 8;
  p.cluster_wide_share = 0.1;
  p.authorization_policies = 12;
  p.http_routes = 8;
  p.waypoint_share = 0.5;
  p.managed_fields = false;
  p.noise = 0;
  Json out = Json::parse(gen::text(p, gen::Form::JsonList));
  const Json meta{{"name", "kube-dns"}, {"namespace", "kube-system"}, {"labels", {{"k8s-app", "kube-dns"}}}};
  out["items"].push_back({{"apiVersion", "v1"},
                          {"kind", "Pod"},
                          {"metadata", meta},
                          {"spec", {{"containers", {{{"name", "dns"}, {"image", "dns"}}}}}},
                          {"status", {{"phase", "Running"}, {"podIP", "10.250.0.53"}}}});
  out["items"].push_back({{"apiVersion", "v1"},
                          {"kind", "Service"},
                          {"metadata", meta},
                          {"spec",
                           {{"clusterIP", "10.96.0.10"},
                            {"selector", {{"k8s-app", "kube-dns"}}},
                            {"ports", {{{"name", "dns"}, {"port", 53}, {"protocol", "UDP"}}}}}}});
  return out;
}

EnginePtr load(const Json& dump, int indent) {
  model::Diagnostics diagnostics;
  auto cluster = model::Cluster::build(
      model::load_texts({{fmt::format("dump-{}.json", indent), dump.dump(indent)}}, {}, diagnostics), {},
      diagnostics);
  return sim::Engine::build(std::move(cluster), {}, diagnostics);
}

std::vector<Json*> of_kind(Json& dump, std::string_view kind) {
  std::vector<Json*> out;
  for (auto& item : dump["items"])
    if (item["kind"] == kind) out.push_back(&item);
  return out;
}

std::string name_of(const Json& item) {
  return fmt::format("{}/{}/{}", item["kind"].get<std::string>(),
                     item["metadata"].value("namespace", std::string()),
                     item["metadata"]["name"].get<std::string>());
}

Json labels_of_some_pod(Json& dump, const std::string& ns, Dice& dice) {
  std::vector<Json> apps;
  for (const auto* pod : of_kind(dump, "Pod"))
    if ((*pod)["metadata"]["namespace"] == ns) apps.push_back((*pod)["metadata"]["labels"]);
  Json out = Json::object();
  if (!apps.empty() && !dice.one_in(4)) out["app"] = apps[dice.roll(apps.size())].value("app", "none");
  return out;
}

Json new_policy(Json& dump, Dice& dice) {
  const auto pods = of_kind(dump, "Pod");
  const std::string ns = (*pods[dice.roll(pods.size())])["metadata"]["namespace"];
  Json out{{"metadata", {{"name", "new"}, {"namespace", ns}}}};
  const Json selector{{"matchLabels", labels_of_some_pod(dump, ns, dice)}};
  switch (dice.roll(3)) {
    case 0:
      out.update({{"apiVersion", "security.istio.io/v1"}, {"kind", "PeerAuthentication"}});
      out["spec"] = {{"mtls", {{"mode", dice.coin() ? "STRICT" : "DISABLE"}}}};
      if (!selector["matchLabels"].empty()) out["spec"]["selector"] = selector;
      return out;
    case 1:
      out.update({{"apiVersion", "security.istio.io/v1"}, {"kind", "AuthorizationPolicy"}});
      out["spec"] = {{"action", dice.coin() ? "DENY" : "ALLOW"},
                     {"selector", selector},
                     {"rules", {{{"from", {{{"source", {{"namespaces", {ns}}}}}}}}}}};
      return out;
    default:
      out.update({{"apiVersion", "networking.k8s.io/v1"}, {"kind", "NetworkPolicy"}});
      Json rule{{"ports", {{{"port", dice.coin() ? 8080 : 15008}}}}};
      const bool egress = dice.coin();
      if (dice.coin()) rule[egress ? "to" : "from"] = {{{"podSelector", selector}}};
      if (dice.one_in(3)) rule[egress ? "to" : "from"] = {{{"ipBlock", {{"cidr", "10.0.0.0/9"}}}}};
      out["spec"] = {{"podSelector", {{"matchLabels", labels_of_some_pod(dump, ns, dice)}}},
                     {"policyTypes", {egress ? "Egress" : "Ingress"}}};
      if (!dice.one_in(3)) out["spec"][egress ? "egress" : "ingress"] = {rule};
      return out;
  }
}

/// Makes one edit; says which.
std::string edit(Json& dump, Dice& dice) {
  static const std::vector<std::string> kinds{"NetworkPolicy",       "NetworkPolicy", "NetworkPolicy",
                                              "AdminNetworkPolicy",  "HTTPRoute",     "AuthorizationPolicy",
                                              "AuthorizationPolicy", "Service",       "Pod"};
  auto some = of_kind(dump, kinds[dice.roll(kinds.size())]);
  if (some.empty() || dice.one_in(3)) {
    dump["items"].push_back(new_policy(dump, dice));
    return "adds " + dump["items"].back().dump();
  }
  Json& item = *some[dice.roll(some.size())];
  if (item["kind"] == "NetworkPolicy" && dice.coin()) {
    const std::string ns = item["metadata"]["namespace"];
    item["spec"]["podSelector"] = {{"matchLabels", labels_of_some_pod(dump, ns, dice)}};
    return "selects otherwise: " + item.dump();
  }
  if (item["kind"] == "AuthorizationPolicy" && item["spec"]["action"] != "CUSTOM" && dice.coin()) {
    item["spec"]["action"] = item["spec"]["action"] == "DENY" ? "ALLOW" : "DENY";
    return "acts otherwise: " + item.dump();
  }
  if (item["kind"] == "Pod") {
    item["metadata"]["labels"]["app"] = "other";
    return "labels " + name_of(item);
  }
  if (item["kind"] == "Service") {
    item["spec"]["ports"][0]["targetPort"] = 9999;
    return "points elsewhere: " + name_of(item);
  }
  const std::string name = name_of(item);
  auto& items = dump["items"];
  items.erase(std::find_if(items.begin(), items.end(), [&](const Json& i) { return name_of(i) == name; }));
  return "removes " + name;
}

// What another dump of the same cluster looks like: other order, other versions.
void take_again(Json& dump, Dice& dice) {
  auto& items = dump["items"];
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[dice.roll(i)]);
  for (auto& item : items) item["metadata"]["resourceVersion"] = std::to_string(dice.roll(1'000'000));
}

std::string state(const scenarios::FlowState& s) {
  return fmt::format("{} {} {} {} {} {} {}", s.outcome, s.symptom, s.reason, s.backend, s.by,
                     fmt::join(s.enforced, ","), fmt::join(s.bypassed, ","));
}

std::string shape(const scenarios::Plan& plan) {
  std::string out =
      fmt::format("{} {} {} {}\n", plan.compared, plan.unchanged, plan.only_before, plan.only_after);
  for (const auto& o : plan.objects)
    out += fmt::format("{} {} {}\n", o.object, scenarios::to_string(o.how), o.place);
  for (const auto& c : plan.changes)
    out += fmt::format("{} {} {}: {} -> {} {}\n", c.flow.name, scenarios::to_string(c.kind),
                       c.loses_enforcement, state(c.before), state(c.after), fmt::join(c.causes, ","));
  return out;
}

struct Tally {
  std::size_t flows = 0, simulated = 0, changed = 0, rounds = 0, followed = 0;
};

/// Compares what is followed with the whole: of the flows that the clusters suggest, and of `more`. The
/// changes of the latter count as well.
scenarios::Plan compare(const sim::Engine& before, const sim::Engine& after,
                        const std::vector<sim::Flow>& more, Tally& tally) {
  using scenarios::Thoroughness;
  model::Diagnostics diagnostics;
  const scenarios::FlowProduct product(before.cluster(), after.cluster());
  std::vector<sim::Flow> spelt;
  for (const auto& row : product.rows())
    for (const auto target : *row.asked)
      spelt.push_back(scenarios::flow_of(*row.client, (*row.targets)[target]));
  auto full =
      scenarios::compare_clusters(before, after, product, {}, 2, diagnostics, Thoroughness::Everything);
  CHECK(shape(scenarios::compare_clusters(before, after, product, {}, 2, diagnostics)) == shape(full));
  if (!more.empty()) {
    spelt.insert(spelt.end(), more.begin(), more.end());
    full = scenarios::compare_clusters(before, after, spelt, {}, 2, diagnostics, Thoroughness::Everything);
  }
  CHECK(shape(scenarios::compare_clusters(before, after, spelt, {}, 2, diagnostics)) == shape(full));
  scenarios::TouchedFlows touched(before, after);
  const auto simulated = static_cast<std::size_t>(
      std::count_if(spelt.begin(), spelt.end(), [&](const auto& flow) { return touched.touches(flow); }));
  tally.flows += spelt.size();
  tally.simulated += simulated;
  tally.changed += full.changes.size();
  ++tally.rounds;
  tally.followed += simulated * 2 < spelt.size() ? 1 : 0;
  return full;
}

// ---- routes ----

Json object(std::string_view api, std::string_view kind, std::string_view ns, std::string_view name,
            Json spec) {
  return {{"apiVersion", api},
          {"kind", kind},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"spec", std::move(spec)}};
}

Json gateway_parent(std::string_view name) {
  return {{"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", name}, {"namespace", "edge"}};
}

Json service_ref(const Json& service) {
  return {{"group", ""},
          {"kind", "Service"},
          {"name", service["metadata"]["name"]},
          {"namespace", service["metadata"]["namespace"]}};
}

// Services of the teams: what routes may name.
std::vector<Json*> backends(Json& dump) {
  std::vector<Json*> out;
  for (auto* service : of_kind(dump, "Service"))
    if ((*service)["metadata"]["namespace"].get<std::string>().rfind("kube", 0) != 0 &&
        (*service)["metadata"]["namespace"] != "istio-system")
      out.push_back(service);
  return out;
}

/// A gateway that its users deployed: its Service is not labelled, and workloads dial it as any other.
void add_manual_gateway(Json backend, std::vector<Json>& added) {
  Json pod = object("v1", "Pod", "edge", "manual-1",
                    {{"containers", {{{"name", "istio-proxy"}, {"image", "proxyv2"}}}}});
  pod["metadata"]["labels"] = {{"istio", "ingressgateway"}};
  pod["metadata"]["annotations"] = {{"inject.istio.io/templates", "gateway"}};
  pod["status"] = {{"phase", "Running"},
                   {"podIP", "10.250.0.55"},
                   {"conditions", {{{"type", "Ready"}, {"status", "True"}}}}};
  added.push_back(std::move(pod));
  added.push_back(object("v1", "Service", "edge", "manual",
                         {{"clusterIP", "10.96.0.55"},
                          {"selector", {{"istio", "ingressgateway"}}},
                          {"ports", {{{"name", "http"}, {"port", 80}, {"targetPort", 8080}}}}}));
  added.push_back(object("gateway.networking.k8s.io/v1", "Gateway", "edge", "manual",
                         {{"gatewayClassName", "istio"},
                          {"addresses", {{{"type", "Hostname"}, {"value", "manual.edge.svc.cluster.local"}}}},
                          {"listeners",
                           {{{"name", "http"},
                             {"port", 80},
                             {"protocol", "HTTP"},
                             {"allowedRoutes", {{"namespaces", {{"from", "All"}}}}}}}}}));
  backend["port"] = 80;
  const std::string ns = backend["namespace"];
  added.push_back(object("gateway.networking.k8s.io/v1", "HTTPRoute", ns, "manual",
                         {{"parentRefs", Json::array({gateway_parent("manual")})},
                          {"rules", {{{"backendRefs", Json::array({std::move(backend)})}}}}}));
}

/// Gateways where CUSTOM policies authenticate, one that leads to the other, routes of Services that lead to
/// others, a route for no host in particular, and a client with a sidecar.
Json dump_with_routes(std::uint64_t seed) {
  Json out = dump(seed);
  Dice dice(seed + 100);
  auto& items = out["items"];
  std::vector<Json> added;
  const Json custom{{"action", "CUSTOM"},
                    {"provider", {{"name", "ext-authz"}}},
                    {"rules", {{{"to", {{{"operation", {{"paths", {"/private"}}}}}}}}}}};
  Json guard = object("security.istio.io/v1", "AuthorizationPolicy", "edge", "guard", custom);
  guard["spec"]["targetRefs"] = {
      {{"group", "gateway.networking.k8s.io"}, {"kind", "Gateway"}, {"name", "public-0"}}};
  added.push_back(guard);
  Json selected = object("security.istio.io/v1", "AuthorizationPolicy", "edge", "selected", custom);
  selected["spec"]["selector"]["matchLabels"] = {{"gateway.networking.k8s.io/gateway-name", "public-1"}};
  if (dice.coin()) added.push_back(selected);
  const std::vector<Json*> services = backends(out);
  const auto host_of_gateway = [&](std::string_view number) {
    Json host;
    for (const auto* route : of_kind(out, "HTTPRoute"))
      if (route->at("spec").contains("hostnames") &&
          route->at("spec")["hostnames"][0].get<std::string>().find(number) != std::string::npos)
        host = route->at("spec")["hostnames"][0];
    return host;
  };
  const auto lead_on = [&](std::string_view name, int gateway, std::string_view host, const Json& next) {
    if (next.is_null()) return;
    const Json rewrite{{"type", "URLRewrite"}, {"urlRewrite", {{"hostname", next}}}};
    const Json other{{"name", fmt::format("public-{}-istio", 1 - gateway)}, {"port", 80}};
    added.push_back(
        object("gateway.networking.k8s.io/v1", "HTTPRoute", "edge", name,
               {{"parentRefs", Json::array({gateway_parent(fmt::format("public-{}", gateway))})},
                {"hostnames", Json::array({host})},
                {"rules", {{{"filters", Json::array({rewrite})}, {"backendRefs", Json::array({other})}}}}}));
  };
  lead_on("chain", 0, "chain.g0.example.com", host_of_gateway(".g1."));
  lead_on("deep", 0, "deep-chain.g0.example.com", "deep.g1.example.com");
  lead_on("deeper", 1, "deep.g1.example.com", host_of_gateway(".g0."));
  add_manual_gateway(service_ref(*services.front()), added);
  for (int i = 0; i < 3; ++i) {
    const Json &from = *services[dice.roll(services.size())], &to = *services[dice.roll(services.size())];
    Json backend = service_ref(to);
    backend["port"] = 80;
    added.push_back(object("gateway.networking.k8s.io/v1", "HTTPRoute",
                           from["metadata"]["namespace"].get<std::string>(), fmt::format("mesh-{}", i),
                           {{"parentRefs", Json::array({service_ref(from)})},
                            {"rules", {{{"backendRefs", Json::array({backend})}}}}}));
  }
  const std::string ns = (*services.front())["metadata"]["namespace"];
  Json legacy =
      object("v1", "Pod", ns, "legacy",
             {{"containers",
               {{{"name", "app"}, {"image", "app"}}, {{"name", "istio-proxy"}, {"image", "proxyv2"}}}}});
  legacy["metadata"]["labels"]["app"] = "legacy";
  legacy["metadata"]["annotations"]["sidecar.istio.io/status"] = "{}";
  legacy["status"] = {{"phase", "Running"}, {"podIP", "10.250.0.54"}};
  added.push_back(legacy);
  for (auto& item : added) items.push_back(std::move(item));
  return out;
}

Json some_hosts(Json& dump, Dice& dice) {
  std::vector<Json> known{"chain.g0.example.com"};
  for (auto* route : of_kind(dump, "HTTPRoute"))
    for (const auto& host : (*route)["spec"].value("hostnames", Json::array())) known.push_back(host);
  switch (dice.roll(6)) {
    case 0:
      return Json::array({dice.coin() ? "*.g0.example.com" : "*.g1.example.com"});
    case 1:
      return Json::array({fmt::format("new.g{}.example.com", dice.roll(2))});
    case 2:
      return Json::array({fmt::format("new.g{}.example.com", dice.roll(2)), dice.pick(known)});
    case 3:
      return Json::array();
    default:
      return Json::array({dice.pick(known)});
  }
}

Json some_rule(Json& dump, Dice& dice) {
  const auto services = backends(dump);
  Json out = Json::object();
  for (std::size_t i = dice.roll(3); i < 2; ++i) {
    Json backend = service_ref(*services[dice.roll(services.size())]);
    backend["port"] = dice.one_in(6) ? 81 : 80;
    backend["weight"] = dice.roll(3);
    out["backendRefs"].push_back(std::move(backend));
  }
  if (dice.one_in(3))
    out["matches"] = {{{"path", {{"type", "PathPrefix"}, {"value", dice.coin() ? "/v1" : "/"}}}}};
  if (dice.one_in(5)) out["matches"] = {{{"method", dice.coin() ? "GET" : "POST"}}};
  switch (dice.roll(8)) {
    case 0:
      out["filters"] = {
          {{"type", "RequestRedirect"},
           {"requestRedirect",
            {{"statusCode", 301}, {"path", {{"type", "ReplaceFullPath"}, {"replaceFullPath", "/x"}}}}}}};
      break;
    case 1:
      out["filters"] = {{{"type", "URLRewrite"}, {"urlRewrite", {{"hostname", "other.example.com"}}}}};
      break;
    case 2: {
      Json mirror = service_ref(*services[dice.roll(services.size())]);
      mirror["port"] = 80;
      out["filters"] = {{{"type", "RequestMirror"}, {"requestMirror", {{"backendRef", mirror}}}}};
      break;
    }
    default:
      break;
  }
  return out;
}

Json some_parents(Json& dump, Dice& dice) {
  const auto services = backends(dump);
  Json out = Json::array();
  if (dice.one_in(16)) return Json::array({gateway_parent("nowhere")});
  if (!dice.one_in(3)) out.push_back(gateway_parent(dice.coin() ? "public-0" : "public-1"));
  if (out.empty() || dice.one_in(3)) out.push_back(service_ref(*services[dice.roll(services.size())]));
  if (dice.one_in(6)) out[0]["sectionName"] = dice.coin() ? "http" : "none";
  return out;
}

/// Edits a route; says how.
std::string edit_route(Json& dump, Dice& dice) {
  const auto routes = of_kind(dump, "HTTPRoute");
  if (dice.one_in(4)) {
    const auto services = backends(dump);
    Json route =
        object("gateway.networking.k8s.io/v1", "HTTPRoute",
               (*services[dice.roll(services.size())])["metadata"]["namespace"].get<std::string>(), "new",
               {{"parentRefs", some_parents(dump, dice)},
                {"hostnames", some_hosts(dump, dice)},
                {"rules", Json::array({some_rule(dump, dice)})}});
    dump["items"].push_back(route);
    return "adds " + route.dump();
  }
  Json& route = *routes[dice.roll(routes.size())];
  const std::string name = name_of(route);
  switch (dice.roll(5)) {
    case 0: {
      auto& items = dump["items"];
      items.erase(
          std::find_if(items.begin(), items.end(), [&](const Json& i) { return name_of(i) == name; }));
      return "removes " + name;
    }
    case 1:
      route["spec"]["hostnames"] = some_hosts(dump, dice);
      break;
    case 2:
      route["spec"]["parentRefs"] = some_parents(dump, dice);
      break;
    case 3:
      route["spec"]["rules"].push_back(some_rule(dump, dice));
      break;
    default:
      route["spec"]["rules"] = Json::array({some_rule(dump, dice)});
      break;
  }
  return "edits " + route.dump();
}

/// What the clusters do not suggest by themselves: a gateway that is asked by its own name or address, hosts
/// that a header names, pods and Services by address.
std::vector<sim::Flow> more_flows(Json& dump, const sim::Engine& engine, Dice& dice) {
  std::vector<std::string> hosts{"new.g0.example.com", "new.g1.example.com", "other.g1.example.com"};
  for (auto* route : of_kind(dump, "HTTPRoute"))
    for (const auto& host : (*route)["spec"].value("hostnames", Json::array())) hosts.push_back(host);
  std::vector<std::string> clients;
  std::string legacy;
  for (const auto& client : scenarios::enumerate_clients(engine.cluster()))
    if (client.pod != nullptr) {
      clients.push_back(client.text);
      if (client.pod->meta.name() == std::string_view("legacy")) legacy = client.text;
    }
  std::vector<sim::Flow> out;
  const auto add = [&](const std::string& from, const std::string& to, const std::string& host) {
    sim::Flow flow;
    flow.from = from;
    flow.to = to;
    if (!host.empty()) flow.headers.emplace_back("host", host);
    flow.name = fmt::format("{} -> {} as {}", from, to, host);
    out.push_back(std::move(flow));
  };
  for (const auto& client : clients) {
    add(client, "http://manual.edge", "");
    add(client, "http://10.250.0.55:8080", "");
  }
  for (const auto& host : hosts) {
    add("internet", "http://" + host, "");
    add("internet", "http://" + dice.pick(hosts), host);
    add(dice.pick(clients), fmt::format("http://public-{}-istio.edge", dice.roll(2)), host);
  }
  const auto services = engine.cluster().services();
  for (int i = 0; i < 40; ++i) {
    const auto& service = services[dice.roll(services.size())];
    if (!service.vips.empty() && !service.ports.empty())
      add(dice.pick(clients),
          fmt::format("http://{}:{}", service.vips.front().to_string(), service.ports.front().port), "");
    // A sidecar chooses by Host, whatever Service is dialled.
    const auto& other = services[dice.roll(services.size())];
    if (service.service != nullptr && other.service != nullptr)
      add(legacy, fmt::format("http://{}.{}", service.name.view(), service.ns.view()),
          fmt::format("{}.{}", other.name.view(), other.ns.view()));
    const auto& pod = *engine.cluster().pods()[dice.roll(engine.cluster().pods().size())];
    if (!pod.ips.empty())
      add(dice.pick(clients), fmt::format("http://{}:8080", pod.ips.front().to_string()), "");
  }
  return out;
}

}  // namespace

TEST_CASE("diff of two dumps: what a difference cannot touch need not be simulated") {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= rounds(3, 1); ++seed) {
    const Json base = dump(seed);
    const auto before = load(base, 1);
    Dice dice(seed);
    for (std::uint64_t round = 0; round < rounds(16, 1); ++round) {
      Json other = base;
      std::string what = edit(other, dice);
      if (dice.one_in(4)) what += "; " + edit(other, dice);
      take_again(other, dice);
      const auto after = load(other, 4);
      INFO("seed " << seed << ", round " << round << ": " << what);
      CHECK(compare(*before, *after, {}, tally).objects.size() < 4);
    }
  }
  if (kSanitized) return;
  // The edits matter, and the cut is worth having.
  CHECK(tally.changed > 100);
  CHECK(tally.simulated * 2 < tally.flows);
}

TEST_CASE("diff of two dumps: of routes that differ, only what comes to them is simulated") {
  Tally tally;
  std::size_t bypasses = 0, outside = 0, inside = 0, chained = 0;
  for (std::uint64_t seed = 1; seed <= rounds(3, 1); ++seed) {
    Json base = dump_with_routes(seed);
    const auto before = load(base, 1);
    Dice dice(seed);
    const auto more = more_flows(base, *before, dice);
    for (std::uint64_t round = 0; round < rounds(24, 1); ++round) {
      Json other = base;
      std::string what = edit_route(other, dice);
      if (dice.one_in(3)) what += "; " + edit_route(other, dice);
      if (dice.one_in(6)) what += "; " + edit(other, dice);
      take_again(other, dice);
      const auto after = load(other, 4);
      INFO("seed " << seed << ", round " << round << ": " << what);
      for (const auto& change : compare(*before, *after, more, tally).changes) {
        bypasses += change.before.bypassed != change.after.bypassed ? 1 : 0;
        ++(change.flow.from == "internet" ? outside : inside);
        chained += change.flow.to.find("//chain.") != std::string::npos ? 1 : 0;
      }
    }
  }
  if (kSanitized) return;
  // Each way in which a route matters occurs, and most edits are followed.
  INFO(fmt::format("{} rounds, {} followed; {} of {} flows simulated", tally.rounds, tally.followed,
                   tally.simulated, tally.flows));
  CHECK(bypasses > 20);
  CHECK(outside > 20);
  CHECK(inside > 20);
  CHECK(chained > 2);
  CHECK(tally.followed * 2 > tally.rounds);
  CHECK(tally.simulated * 2 < tally.flows);
}

TEST_CASE("diff of two dumps: what gateways lead to is followed through their own Services and addresses") {
  Tally tally;
  std::size_t chained = 0, dialled = 0;
  for (std::uint64_t seed = 4; seed < 4 + rounds(2, 1); ++seed) {
    Json base = dump_with_routes(seed);
    const auto before = load(base, 1);
    Dice dice(seed);
    const auto more = more_flows(base, *before, dice);
    for (std::uint64_t round = 0; round < rounds(16, 1); ++round) {
      Json other = base;
      const std::string what = edit(other, dice);
      take_again(other, dice);
      const auto after = load(other, 4);
      INFO("seed " << seed << ", round " << round << ": " << what);
      for (const auto& change : compare(*before, *after, more, tally).changes) {
        chained += change.flow.to.find("chain.") != std::string::npos ? 1 : 0;
        dialled += change.flow.to.find("manual.edge") != std::string::npos ||
                           change.flow.to.find("10.250.0.55") != std::string::npos
                       ? 1
                       : 0;
      }
    }
  }
  if (kSanitized) return;
  INFO(fmt::format("{} of {} flows simulated, {} chained, {} dialled", tally.simulated, tally.flows, chained,
                   dialled));
  CHECK(chained > 0);
  CHECK(dialled > 0);
  CHECK(tally.simulated < tally.flows);
}

TEST_CASE("the product of clients and targets has the flows of both clusters, each once, in their order") {
  Json other = dump(1);
  const auto before = load(other, 1);
  for (auto* service : of_kind(other, "Service"))
    if ((*service)["metadata"]["name"] != "kube-dns") {
      (*service)["spec"]["ports"][0]["port"] = 8888;
      break;
    }
  const auto after = load(other, 1);
  std::vector<std::string> expected, found;
  std::set<std::string> known;
  for (const auto* side : {&before, &after})
    for (const auto& flow : scenarios::enumerate_flows((*side)->cluster()))
      if (known.insert(flow.name).second) expected.push_back(flow.name);
  const scenarios::FlowProduct product(before->cluster(), after->cluster());
  for (const auto& row : product.rows())
    for (const auto target : *row.asked)
      found.push_back(scenarios::flow_of(*row.client, (*row.targets)[target]).name);
  CHECK(found == expected);
  CHECK(product.size() == expected.size());
  CHECK(expected.size() > scenarios::enumerate_flows(before->cluster()).size());
}

}  // namespace waypath::tests
