#include "scenarios/request_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "model/istio/security.h"
#include "scenarios/request_conditions.h"
#include "scenarios/token_classes.h"
#include "sim/match/policy_match.h"
#include "sim/match/route_match.h"
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

// Headers that proxies read or write by themselves.
bool special_header(const std::string& name) {
  return name == "authorization" || name == "cookie" || name == "origin" ||
         name == "access-control-request-method" || name.compare(0, 12, "x-forwarded-") == 0 ||
         name.compare(0, 8, "x-envoy-") == 0;
}

/// Numbers answers: the same one for the same answer.
class Numbers {
 public:
  std::uint32_t of(std::string answer) {
    return numbers_.emplace(std::move(answer), static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::map<std::string, std::uint32_t> numbers_;
};

/// Who reads a request on its way, each with the conditions by which it does.
struct Readers {
  explicit Readers(const model::Cluster& given) : cluster(given), routes(given) {}
  const model::Cluster& cluster;
  RequestConditions routes;
  std::vector<RequestConditions> points;
  std::vector<bool> rewritten;  // by point: it may see another path than the one sent
  std::set<std::string> token_headers;
  bool sessions = false;  // an authservice is asked
};

// Whether each value is a class by itself to every reader: what they make of it is more than conditions say.
bool each_by_itself(const Readers& readers, const RequestConditions& all, const RequestAttribute& a) {
  switch (a.kind) {
    case Kind::Method:
      return false;
    case Kind::Path:
      return readers.sessions || all.whole_path();
    case Kind::Header:
      return readers.sessions || special_header(a.key) || readers.token_headers.contains(a.key);
    case Kind::Query:
    case Kind::Host:
    case Kind::Sni:
    case Kind::Token:
    case Kind::Session:
      return true;
  }
  return true;
}

// Tells for each value to whom it is like another.
void number(const Readers& readers, const RequestConditions& all, RequestAttribute& a) {
  const bool by_itself = each_by_itself(readers, all, a);
  Numbers routes;
  std::vector<Numbers> points(readers.points.size());
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    auto& value = a.values[i];
    const bool odd = by_itself || (a.kind == Kind::Path && !plain_path(readers.cluster, value.text));
    const std::string own = fmt::format("value {}", i);
    // A token stands in a header, too; a session and a token that no route reads are alike to all routes.
    const bool unread = a.kind == Kind::Session || (a.kind == Kind::Token && !readers.routes.by_claims() &&
                                                    readers.routes.names(Kind::Header).empty() &&
                                                    readers.routes.names(Kind::Query).empty());
    if (unread)
      value.route = routes.of("");
    else if (odd)
      value.route = routes.of(own);
    else if (value.absent)
      value.route = routes.of("absent");
    else  // a preflight is answered where it is routed
      value.route = routes.of(readers.routes.answers(a.kind, a.key, {value.text}) +
                              (a.kind == Kind::Method && value.text == "OPTIONS" ? "preflight" : ""));
    const std::vector<std::string> sent{value.text};
    std::optional<std::vector<std::string>> rewritten;
    if (a.kind == Kind::Path && !odd) rewritten = all.rewritten(value.text);
    for (std::size_t k = 0; k < points.size(); ++k) {
      const bool anew = a.kind == Kind::Path && readers.rewritten[k];
      if (odd || (anew && !rewritten))
        value.at.push_back(points[k].of(own));
      else if (value.absent)
        value.at.push_back(points[k].of("absent"));
      else
        value.at.push_back(points[k].of(readers.points[k].answers(a.kind, a.key, anew ? *rewritten : sent)));
    }
  }
}

void join_alike(RequestAttribute& a) {
  std::map<std::pair<std::uint32_t, std::vector<std::uint32_t>>, std::size_t> known;
  std::vector<RequestAttribute::Value> values;
  for (auto& value : a.values) {
    const auto [at, fresh] = known.emplace(std::pair(value.route, value.at), values.size());
    if (fresh) {
      values.push_back(std::move(value));
      continue;
    }
    auto& fits = values[at->second].fits;
    for (auto& one : value.fits)
      if (std::none_of(fits.begin(), fits.end(),
                       [&](const auto& known_fit) { return known_fit.conditions == one.conditions; }))
        fits.push_back(std::move(one));
  }
  a.values = std::move(values);
}

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

  /// Every condition at the points, by attribute. `token_headers`: where tokens are looked for.
  void collect(const std::vector<PassedPoint>& points, RequestConditions& out, TokenClasses& token_classes,
               std::set<std::string>& token_headers, bool& session) const {
    std::set<std::uint32_t> policy_done, token_done;
    std::set<std::string> provider_done;
    for (const auto& [point, rewritten] : points) {
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
          for (const auto& rule : tokens[i]->jwt_rules) {
            token_classes.accept(rule);
            for (const auto& header : rule.from_headers) token_headers.insert(sim::lower_case(header.name));
          }
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

RequestClasses RequestClassifier::classes(const std::vector<PassedPoint>& points, bool routed, bool join,
                                          const TargetAddress& address,
                                          const RequestConstraint& constraint) const {
  RequestClasses out;
  if (!http_scheme(address.url)) return out;
  RequestConditions conditions(impl_->cluster);
  TokenClasses tokens(impl_->cluster);
  bool session = false;
  Readers readers(impl_->cluster);
  impl_->collect(points, conditions, tokens, readers.token_headers, session);
  if (routed)
    for (const auto* route : address.routes) {
      conditions.add(*route);
      readers.routes.add(*route);
    }
  readers.sessions = session;
  for (const auto& point : points) {
    TokenClasses other_tokens(impl_->cluster);
    readers.rewritten.push_back(point.rewritten);
    impl_->collect({point}, readers.points.emplace_back(impl_->cluster), other_tokens, readers.token_headers,
                   session);
  }

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
    RequestAttribute logged_in{Kind::Session, "", {{"", true, std::nullopt}, {"valid", false, std::nullopt}}};
    add(std::move(logged_in));
  }
  if (!constraint.host) add(conditions.attribute(Kind::Host, "", out.left_out));
  for (const auto& name : conditions.names(Kind::Header)) {
    const bool fixed = std::any_of(constraint.headers.begin(), constraint.headers.end(),
                                   [&](const auto& h) { return h.first == name; });
    if (!fixed) add(conditions.attribute(Kind::Header, name, out.left_out));
  }
  if (address.url.compare(0, 6, "https:") == 0) add(conditions.attribute(Kind::Sni, "", out.left_out));
  for (auto& attribute : out.attributes) {
    number(readers, conditions, attribute);
    if (join) join_alike(attribute);
  }
  if (join) std::erase_if(out.attributes, [](const auto& a) { return a.values.size() < 2; });
  const auto& more = conditions.left_out();
  out.left_out.insert(out.left_out.end(), more.begin(), more.end());
  std::sort(out.left_out.begin(), out.left_out.end());
  out.left_out.erase(std::unique(out.left_out.begin(), out.left_out.end()), out.left_out.end());
  return out;
}

bool plain_path(const model::Cluster& cluster, const std::string& path) {
  return path.find_first_of("%\\?#;") == std::string::npos &&
         sim::normalized_path(path, cluster.mesh().path_normalization) == path;
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
