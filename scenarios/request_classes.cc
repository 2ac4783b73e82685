#include "scenarios/request_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "model/istio/security.h"
#include "scenarios/request_conditions.h"
#include "scenarios/token_classes.h"
#include "sim/match/text_members.h"
#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/authservice.h"
#include "sim/policy/ext_authz.h"

namespace waypath::scenarios {
namespace {

using Kind = RequestAttribute::Kind;

bool http_scheme(const std::string& url) {
  const auto scheme = url.substr(0, url.find(':'));
  return scheme == "http" || scheme == "https" || scheme == "grpc";
}

bool grpc(const std::string& url) { return url.compare(0, 7, "grpc://") == 0; }

}  // namespace

struct RequestClassifier::Impl {
  struct Policy {
    const model::AuthorizationPolicy* policy = nullptr;
    std::vector<sim::Condition> conditions;
  };

  explicit Impl(const sim::Engine& given)
      : engine(given), cluster(given.cluster()), index(cluster), token_index(cluster) {
    for (const auto& p : cluster.snapshot().all<model::AuthorizationPolicy>()) {
      if (p->action == model::AuthorizationAction::Audit) continue;
      Policy one{p.get(), {}};
      const auto add = [&](std::vector<sim::Condition> more) {
        std::move(more.begin(), more.end(), std::back_inserter(one.conditions));
      };
      for (const auto& rule : p->rules) {
        for (const auto& from : rule.from) add(sim::compile_source(cluster, *p, from));
        for (const auto& to : rule.to) add(sim::compile_operation(*p, to));
        for (const auto& when : rule.when) one.conditions.push_back(sim::compile_when(cluster, *p, when));
      }
      index.add(static_cast<std::uint32_t>(policies.size()), p->meta, p->attachment);
      policies.push_back(std::move(one));
    }
    for (const auto& p : cluster.snapshot().all<model::RequestAuthentication>()) {
      token_index.add(static_cast<std::uint32_t>(tokens.size()), p->meta, p->attachment);
      tokens.push_back(p.get());
    }
    for (const auto& p : cluster.mesh().extension_providers) {
      const auto id = sim::provider_service(cluster, p.service);
      if (!id.valid()) continue;
      if (auto config = sim::find_authservice_config(cluster, cluster.service(id)))
        authservice.emplace(p.name, std::move(*config));
    }
  }

  /// Every condition at the points, by attribute.
  void collect(const std::vector<sim::PolicyPoint>& points, RequestConditions& out,
               TokenClasses& token_classes, bool& session) const {
    std::set<std::uint32_t> policy_done, token_done;
    std::set<std::string> provider_done;
    for (const auto& point : points) {
      if (point.kind == sim::PolicyPoint::Kind::Ztunnel) continue;
      for (const auto i : index.at(point)) {
        if (!policy_done.insert(i * 2 + (point.http ? 1 : 0)).second) continue;
        for (const auto& c : policies[i].conditions) {
          const auto dialect = sim::dialect_of(point);
          if ((c.active & (1U << static_cast<unsigned>(dialect))) == 0) continue;
          if (!token_classes.take(c)) out.add(c);
        }
      }
      if (!point.http) continue;
      for (const auto i : token_index.at(point))
        if (token_done.insert(i).second)
          for (const auto& rule : tokens[i]->jwt_rules) token_classes.accept(rule);
      for (const auto* provider : sim::providers_at(engine.policies(), point)) {
        const auto it = authservice.find(provider->name);
        if (it == authservice.end() || !provider_done.insert(provider->name).second) continue;
        out.add(it->second);
        session = true;
      }
    }
  }

  const sim::Engine& engine;
  const model::Cluster& cluster;
  std::vector<Policy> policies;
  std::vector<const model::RequestAuthentication*> tokens;
  std::map<std::string, sim::AuthserviceConfig, std::less<>> authservice;  // by provider
  sim::AttachmentIndex index, token_index;
};

RequestClassifier::RequestClassifier(const sim::Engine& engine)
    : impl_(std::make_unique<const Impl>(engine)) {}
RequestClassifier::~RequestClassifier() = default;

RequestClasses RequestClassifier::classes(const std::vector<sim::PolicyPoint>& points, bool routed,
                                          const TargetAddress& address,
                                          const RequestConstraint& constraint) const {
  RequestClasses out;
  if (!http_scheme(address.url)) return out;
  RequestConditions conditions(impl_->cluster);
  TokenClasses tokens(impl_->cluster);
  bool session = false;
  impl_->collect(points, conditions, tokens, session);
  if (routed)
    for (const auto* route : address.routes) conditions.add(*route);

  const auto add = [&](RequestAttribute attribute) {
    if (attribute.values.size() > 1) out.attributes.push_back(std::move(attribute));
  };
  if (!constraint.method && !grpc(address.url)) add(conditions.attribute(Kind::Method, "", out.left_out));
  if (!constraint.path) {
    add(conditions.attribute(Kind::Path, "", out.left_out));
    for (const auto& name : conditions.names(Kind::Query))
      add(conditions.attribute(Kind::Query, name, out.left_out));
  }
  if (constraint.tokens.empty() && !constraint.no_token) add(tokens.attribute(out.left_out));
  if (session && constraint.session == sim::Session::Unstated) {
    RequestAttribute logged_in{
        Kind::Session, "", {{"", true, std::nullopt, {}}, {"valid", false, std::nullopt, {}}}};
    add(std::move(logged_in));
  }
  if (!constraint.host) add(conditions.attribute(Kind::Host, "", out.left_out));
  for (const auto& name : conditions.names(Kind::Header)) {
    const bool fixed = std::any_of(constraint.headers.begin(), constraint.headers.end(),
                                   [&](const auto& h) { return h.first == name; });
    if (!fixed) add(conditions.attribute(Kind::Header, name, out.left_out));
  }
  if (address.url.compare(0, 6, "https:") == 0) add(conditions.attribute(Kind::Sni, "", out.left_out));
  const auto& more = conditions.left_out();
  out.left_out.insert(out.left_out.end(), more.begin(), more.end());
  std::sort(out.left_out.begin(), out.left_out.end());
  out.left_out.erase(std::unique(out.left_out.begin(), out.left_out.end()), out.left_out.end());
  return out;
}

double RequestClasses::product() const {
  double out = 1;
  for (const auto& a : attributes) out *= static_cast<double>(a.values.size());
  return out;
}

sim::Flow flow_of(const ClientClass& client, const TargetAddress& address, const RequestClasses& classes,
                  const RequestChoice& choice, const RequestConstraint& constraint) {
  sim::Flow flow;
  flow.from = client.from;
  flow.source_ip = client.source_ip;
  flow.connect_to = address.connect_to;
  if (constraint.method) flow.method = *constraint.method;
  std::string path = constraint.path.value_or(http_scheme(address.url) ? "/" : "");
  std::string query;
  flow.headers = constraint.headers;
  flow.tokens = constraint.tokens;
  flow.session = constraint.session;
  if (constraint.host) flow.headers.emplace_back("host", *constraint.host);
  for (std::size_t i = 0; i < classes.attributes.size(); ++i) {
    const RequestAttribute& attribute = classes.attributes[i];
    const auto& value = attribute.values[choice[i]];
    if (value.absent) continue;
    switch (attribute.kind) {
      case Kind::Method:
        flow.method = value.text;
        break;
      case Kind::Path:
        path = value.text;
        break;
      case Kind::Query:
        query += fmt::format("{}{}={}", query.empty() ? "?" : "&", attribute.key, value.text);
        break;
      case Kind::Host:
        flow.headers.emplace_back("host", value.text);
        break;
      case Kind::Header:
        flow.headers.emplace_back(attribute.key, value.text);
        break;
      case Kind::Sni:
        flow.sni = value.text;
        break;
      case Kind::Token:
        flow.tokens.push_back(*value.token);
        break;
      case Kind::Session:
        flow.session = sim::Session::Valid;
        break;
    }
  }
  flow.to = address.url + path + query;
  return flow;
}

}  // namespace waypath::scenarios
