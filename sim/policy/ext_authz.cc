// CUSTOM: external authorization at Envoy proxies. authorization.md section 10.
// Source: istio pilot/pkg/security/authz/builder/{builder,extauthz}.go

#include "sim/policy/ext_authz.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "sim/match/policy_match.h"
#include "sim/match/route_match.h"
#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/authservice.h"
#include "sim/policy/families.h"
#include "sim/reasons/authz.h"

namespace waypath::sim {

using model::AuthorizationPolicy;
using model::ExtensionProvider;

model::ServiceId provider_service(const model::Cluster& cluster, std::string_view text) {
  const auto slash = text.find('/');
  const auto ns = slash == std::string_view::npos ? std::string_view() : text.substr(0, slash);
  const auto host = slash == std::string_view::npos ? text : text.substr(slash + 1);
  for (const auto id : cluster.services_by_host(host))
    if (ns.empty() || cluster.service(id).ns == ns) return id;
  if (!ns.empty()) return cluster.find_service(ns, host);
  const auto dot = host.find('.');
  if (dot == std::string_view::npos) return {};
  const auto rest = host.substr(dot + 1);
  return cluster.find_service(rest.substr(0, rest.find('.')), host.substr(0, dot));
}

namespace {

struct Provider {
  const ExtensionProvider* config = nullptr;
  std::string broken;  // why no proxy can use it
  std::optional<AuthserviceConfig> authservice;
};

struct Compiled {
  const AuthorizationPolicy* policy = nullptr;
  std::vector<CompiledRule> rules;
};

struct Trigger {
  const AuthorizationPolicy* policy = nullptr;
  std::size_t rule = 0;
  [[nodiscard]] ObjectAt at() const {
    return object_of(policy->meta, policy->rules[rule].pos, static_cast<int>(rule));
  }
};

bool dns_label(std::string_view name) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && alnum(name.front()) && alnum(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return alnum(c) || c == '-'; });
}

// Source: envoy api envoy/type/v3/http_status.proto StatusCode
int known_status(std::string_view text) {
  static constexpr std::array kRanges{std::pair{100, 100}, std::pair{200, 208}, std::pair{226, 226},
                                      std::pair{300, 305}, std::pair{307, 308}, std::pair{400, 418},
                                      std::pair{421, 424}, std::pair{426, 426}, std::pair{428, 429},
                                      std::pair{431, 431}, std::pair{500, 508}, std::pair{510, 511}};
  if (text.size() != 3 || text.find_first_not_of("0123456789") != std::string_view::npos) return 0;
  const int status = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  const bool known = std::any_of(kRanges.begin(), kRanges.end(),
                                 [&](const auto& r) { return status >= r.first && status <= r.second; });
  return known && status != 418 ? status : 0;
}

// Source: istio pilot/pkg/security/authz/builder/extauthz.go buildExtAuthzHTTP, buildExtAuthzGRPC;
// pkg/config/validation validateExtensionProvider
std::string broken_reason(const model::Cluster& cluster, const ExtensionProvider& p) {
  const std::string who = "extension provider \"" + p.name + "\"";
  if (!dns_label(p.name)) return who + ": its name is no DNS label";
  if (p.type == ExtensionProvider::Type::Other)
    return who + " is neither envoyExtAuthzGrpc nor envoyExtAuthzHttp";
  if (!p.port_valid || !p.port) return who + " has no valid port";
  if (!provider_service(cluster, p.service).valid())
    return "Service " + p.service + " of " + who + " is not in the registry";
  if (!p.status_on_error.empty() && known_status(p.status_on_error) == 0)
    return who + ": statusOnError " + p.status_on_error + " is no known HTTP status";
  if (!p.path_prefix.empty() && p.path_prefix.front() != '/')
    return who + ": pathPrefix does not start with /";
  for (const auto* list : {&p.include_headers_in_check, &p.headers_to_upstream_on_allow,
                           &p.headers_to_downstream_on_deny, &p.headers_to_downstream_on_allow})
    if (std::find(list->begin(), list->end(), "*") != list->end())
      return who + " lists the bare header pattern *";
  return {};
}

bool matches_header(const std::map<std::string, std::string, std::less<>>& wanted,
                    const RequestState& request) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const auto& w) {
    return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& h) {
      if (h.first != w.first) return false;
      const auto star = w.second.find('*');
      if (star == std::string::npos) return h.second == w.second;
      const auto before = w.second.substr(0, star), after = w.second.substr(star + 1);
      return h.second.size() >= before.size() + after.size() && h.second.substr(0, before.size()) == before &&
             h.second.substr(h.second.size() - after.size()) == after;
    });
  });
}

void set_header(RequestState& request, const std::string& name, const std::string& value) {
  std::erase_if(request.headers, [&](const auto& h) { return h.first == name; });
  if (!value.empty()) request.headers.emplace_back(name, value);
}

void carry(RequestState& request, const Token& token, const std::string& value) {
  std::erase_if(request.tokens, [&](const Token& t) {
    return t.where == token.where && lower_case(t.name) == lower_case(token.name);
  });
  set_header(request, lower_case(token.name), value);
  request.tokens.push_back(token);
}

/// One question to one provider.
class Call {
 public:
  Call(const model::Cluster& cluster, const Provider& provider, const Trigger& trigger,
       const HopContext& context, TraceRecorder* recorder)
      : cluster_(cluster),
        provider_(provider),
        trigger_(trigger),
        request_(*context.request),
        http_(context.point->http),
        recorder_(recorder) {}

  PolicyResult ask() {
    const std::string& name = provider_.config->name;
    const auto reach = request_.providers.find(name);
    if (reach != request_.providers.end() && reach->second.outcome != Outcome::Allow)
      return reach->second.outcome == Outcome::Unknown ? unknown(reach->second.reason.detail)
                                                       : failed(&reach->second);
    const ExtAuthzAnswer* stated = nullptr;
    if (request_.assume != nullptr) {
      const auto it = request_.assume->ext_authz.find(name);
      if (it != request_.assume->ext_authz.end()) stated = &it->second;
    }
    if (stated != nullptr)
      return stated->unreachable ? failed(static_cast<const RequestState::Reachability*>(nullptr))
                                 : answer(*stated);
    if (provider_.authservice) return answer(ask_authservice(*provider_.authservice, cluster_, request_));
    return unknown("what ext_authz provider \"" + name + "\" (" + provider_.config->service + ") answers");
  }

  PolicyResult unknown(const std::string& fact) {
    PolicyResult r;
    r.decision = Decision::Unknown;
    r.reason = {kExtAuthzAnswerUnknown, trigger_.at(), fact};
    if (recorder_ != nullptr) recorder_->missing_facts.push_back(fact);
    return r;
  }

 private:
  PolicyResult allow(Code code, std::string detail) {
    PolicyResult r;
    r.decision = Decision::Allow;
    r.reason = {code, trigger_.at(), std::move(detail)};
    return r;
  }
  PolicyResult deny(Code code, std::string detail, int status) {
    PolicyResult r;
    r.decision = Decision::Deny;
    r.reason = {code, trigger_.at(), std::move(detail)};
    r.deciders = {trigger_.at()};
    if (http_) r.status = status;
    return r;
  }

  [[nodiscard]] bool http_provider() const {
    return provider_.config->type == ExtensionProvider::Type::ExtAuthzHttp;
  }

  // An HTTP provider's headers reach the application when they are listed; a gRPC provider says so itself.
  // Source: istio pilot/pkg/security/authz/builder/extauthz.go generateHeaders
  [[nodiscard]] bool passes_on(std::string_view header) const {
    const auto& listed = provider_.config->headers_to_upstream_on_allow;
    return !http_provider() || std::any_of(listed.begin(), listed.end(), [&](const std::string& pattern) {
      return match_value(pattern, header, true);
    });
  }

  PolicyResult failed(const RequestState::Reachability* reach) {
    std::string why = "stated as unreachable";
    if (reach != nullptr)
      why = std::string(reach->reason.code.text) +
            (reach->reason.detail.empty() ? "" : ": " + reach->reason.detail);
    PolicyResult r = failed("cannot be reached: " + why);
    if (reach == nullptr || r.decision == Decision::Allow) return r;
    r.deciders.insert(r.deciders.end(), reach->deciders.begin(), reach->deciders.end());
    if (reach->reason.by) r.deciders.push_back(*reach->reason.by);
    r.delay = reach->delay;
    r.immediate = r.delay.empty() || r.delay == "at once";
    return r;
  }

  // The provider gave no answer: failOpen and statusOnError decide.
  PolicyResult failed(const std::string& how) {
    const ExtensionProvider& config = *provider_.config;
    const std::string detail = "provider " + config.name + " (" + config.service + ") " + how;
    if (config.fail_open) return allow(kExtAuthzFailOpen, detail + "; failOpen lets the request through");
    const int status = config.status_on_error.empty() ? 403 : known_status(config.status_on_error);
    return deny(kExtAuthzUnreachable, detail, status);
  }

  PolicyResult answer(const ExtAuthzAnswer& stated) {
    const std::string who = "provider " + provider_.config->name;
    if (stated.allow_always || matches_header(stated.allow_when_headers, request_)) {
      std::string dropped;
      for (const auto& [name, value] : stated.set_headers) {
        if (passes_on(name)) {
          set_header(request_, name, value);
        } else {
          dropped.append(dropped.empty() ? "; not in headersToUpstreamOnAllow: " : ", ").append(name);
        }
      }
      if (stated.set_token &&
          (stated.set_token->where != Token::Where::Header || passes_on(stated.set_token->name))) {
        const auto& token = *stated.set_token;
        carry(request_, token, token.raw.empty() ? std::string() : token.prefix + token.raw);
      }
      return allow(kExtAuthzAllow, who + " allows (stated)" + dropped);
    }
    // Source: envoy source/extensions/filters/common/ext_authz/ext_authz_http_impl.cc toResponse
    if (http_provider() && stated.else_status >= 500)
      return failed("it answers " + std::to_string(stated.else_status) + ", which counts as a failure");
    const bool redirect = !stated.else_redirect.empty();
    const bool redirect_status = stated.else_status >= 300 && stated.else_status < 400;
    auto r = deny(redirect ? kExtAuthzRedirect : kExtAuthzDenied, who + " refuses (stated)",
                  redirect && !redirect_status ? 302 : stated.else_status);
    if (http_) r.redirect = stated.else_redirect;
    return r;
  }

  PolicyResult answer(const AuthserviceAnswer& said) {
    if (said.assumption && recorder_ != nullptr) recorder_->assumptions.push_back(*said.assumption);
    switch (said.kind) {
      case AuthserviceAnswer::Kind::Allow:
        if (said.token) carry(request_, *said.token, said.token->prefix + "<id token of the session>");
        for (const auto& [name, value] : said.headers) set_header(request_, name, value);
        return allow(kExtAuthzAllow, "authservice, " + said.detail);
      case AuthserviceAnswer::Kind::Unknown:
        return unknown(said.missing_fact);
      case AuthserviceAnswer::Kind::Redirect:
      case AuthserviceAnswer::Kind::Deny:
        break;
    }
    const bool redirect = said.kind == AuthserviceAnswer::Kind::Redirect;
    auto r = deny(redirect ? kExtAuthzRedirect : kExtAuthzDenied, "authservice, " + said.detail, said.status);
    r.deciders.push_back({provider_.authservice->source, provider_.authservice->pos, -1, {}});
    if (http_) r.redirect = said.redirect;
    return r;
  }

  const model::Cluster& cluster_;
  const Provider& provider_;
  const Trigger& trigger_;
  RequestState& request_;
  bool http_;
  TraceRecorder* recorder_;
};

class CustomAuthorization final : public PolicyEvaluator {
 public:
  explicit CustomAuthorization(ClusterPtr cluster) : cluster_(std::move(cluster)), index_(*cluster_) {
    for (const auto& p : cluster_->snapshot().all<AuthorizationPolicy>()) {
      if (p->action != model::AuthorizationAction::Custom) continue;
      Compiled one{p.get(), {}};
      one.rules.reserve(p->rules.size());
      for (const auto& r : p->rules) one.rules.emplace_back(*cluster_, *p, r);
      index_.add(static_cast<std::uint32_t>(policies_.size()), p->meta, p->attachment);
      policies_.push_back(std::move(one));
    }
    for (const auto& config : cluster_->mesh().extension_providers) {
      auto& provider = providers_[config.name];
      if (provider.config != nullptr) continue;
      provider.config = &config;
      provider.broken = provider_problem(*cluster_, config.name);
      if (provider.broken.empty())
        provider.authservice = find_authservice_config(
            *cluster_, cluster_->service(provider_service(*cluster_, config.service)));
    }
    multiple_ = several_providers_allowed(*cluster_);
  }
  [[nodiscard]] std::string_view name() const override { return "CUSTOM"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    const ByProvider by_provider = attached(*context.point);
    PolicyResult result;
    for (const auto& [name, policies] : by_provider) {
      PolicyResult one = ask(name, policies, by_provider.size(), context, recorder);
      if (one.decision == Decision::NotApplicable) continue;
      if (recorder != nullptr) recorder->nodes.push_back({"CUSTOM", one.decision, one.reason, {}});
      result = std::move(one);
      if (result.decision != Decision::Allow) return result;
    }
    return result;
  }

  [[nodiscard]] std::vector<const ExtensionProvider*> providers_at(const PolicyPoint& point) const override {
    std::vector<const ExtensionProvider*> out;
    for (const auto& [name, policies] : attached(point)) {
      const auto it = providers_.find(name);
      if (it != providers_.end() && it->second.broken.empty()) out.push_back(it->second.config);
    }
    return out;
  }

 private:
  using ByProvider = std::map<std::string_view, std::vector<const Compiled*>>;  // asked in alphabetical order

  [[nodiscard]] ByProvider attached(const PolicyPoint& point) const {
    ByProvider out;
    if (policies_.empty() || !is_envoy(point)) return out;  // ztunnel knows no CUSTOM action
    for (const auto i : index_.at(point)) out[policies_[i].policy->provider].push_back(&policies_[i]);
    return out;
  }

  PolicyResult ask(std::string_view name, const std::vector<const Compiled*>& policies, std::size_t providers,
                   const HopContext& context, TraceRecorder* recorder) const {
    const bool http = context.point->http;
    const auto it = providers_.find(name);
    const Provider* provider = it == providers_.end() ? nullptr : &it->second;
    // An HTTP provider cannot be asked about a TCP connection: the step is skipped, unless its rules refuse.
    const bool conflict = providers > 1 && !multiple_;
    if (!http && !conflict && provider != nullptr && provider->broken.empty() &&
        provider->config->type == ExtensionProvider::Type::ExtAuthzHttp)
      return {};
    std::string missing;
    const auto trigger = find_trigger(policies, context, missing);
    PolicyResult r;
    if (!trigger) {
      const ObjectAt at = object_of(policies.front()->policy->meta);
      if (!missing.empty()) {
        r.decision = Decision::Unknown;
        r.reason = {kAuthzFactMissing, at, missing};
        if (recorder != nullptr) recorder->missing_facts.push_back(missing);
      } else if (recorder != nullptr) {
        recorder->nodes.push_back(
            {"CUSTOM",
             Decision::NotApplicable,
             {kExtAuthzNotTriggered, at, "no rule of provider " + std::string(name) + " matches"},
             {}});
      }
      return r;
    }
    const ObjectAt at = trigger->at();
    const auto refuse = [&](Code code, std::string detail) {
      r.decision = Decision::Deny;
      r.reason = {code, at, std::move(detail)};
      r.deciders = {at};
      if (http) r.status = 403;
      return r;
    };
    if (!conflict && provider == nullptr && !name.empty() && !cluster_->mesh().given) {
      const std::string fact = fmt::format("mesh config (ConfigMap istio): extension provider \"{}\"", name);
      r.decision = Decision::Unknown;
      r.reason = {kAuthzFactMissing, at, fact};
      if (recorder != nullptr) recorder->missing_facts.push_back(fact);
      return r;
    }
    // Source: istio pilot/pkg/security/authz/builder/builder.go getBadCustomDenyRules (enforced rules only)
    if (trigger->policy->dry_run && (conflict || provider == nullptr || !provider->broken.empty())) return r;
    if (conflict) {
      refuse(kExtAuthzMultipleProviders,
             "CUSTOM policies of several providers apply here: each of their rules refuses");
      return r;
    }
    if (provider == nullptr) return refuse(kExtAuthzBadProvider, provider_problem(*cluster_, name));
    if (!provider->broken.empty()) return refuse(kExtAuthzBadProvider, provider->broken);
    Call call(*cluster_, *provider, *trigger, context, recorder);
    if (trigger->policy->dry_run)
      return call.unknown("whether this Istio enforces a CUSTOM policy that is annotated as a dry run");
    return call.ask();
  }

  // Source: istio pilot/pkg/security/authz/builder/builder.go (the filter calls when any of the provider's
  // rules matches)
  std::optional<Trigger> find_trigger(const std::vector<const Compiled*>& policies, const HopContext& context,
                                      std::string& missing) const {
    const PolicyRequest view(*context.request, cluster_->mesh().path_normalization, context.point->http);
    const Dialect dialect = dialect_of(*context.point);
    std::optional<Trigger> dry;
    for (const auto* p : policies) {
      for (std::size_t i = 0; i < p->rules.size(); ++i) {
        RuleMatch why;
        const Tri t = p->rules[i].matches(dialect, view, nullptr);
        if (t == Tri::Yes && !p->policy->dry_run) return Trigger{p->policy, i};
        if (t == Tri::Yes && !dry) dry = Trigger{p->policy, i};
        if (t != Tri::Unknown || !missing.empty()) continue;
        (void)p->rules[i].matches(dialect, view, &why);
        missing = why.missing_fact.empty() ? "whether a CUSTOM rule matches" : why.missing_fact;
      }
    }
    return missing.empty() ? dry : std::nullopt;
  }

  ClusterPtr cluster_;
  AttachmentIndex index_;
  std::vector<Compiled> policies_;
  std::map<std::string, Provider, std::less<>> providers_;
  bool multiple_ = false;
};

}  // namespace

std::string provider_problem(const model::Cluster& cluster, std::string_view name) {
  const ExtensionProvider* found = nullptr;
  for (const ExtensionProvider& p : cluster.mesh().extension_providers) {
    if (p.name != name) continue;
    if (found != nullptr) return "meshConfig lists extension provider \"" + p.name + "\" twice";
    found = &p;
  }
  if (found == nullptr) return "meshConfig has no extension provider \"" + std::string(name) + "\"";
  return broken_reason(cluster, *found);
}

// Source: istio pilot/pkg/features (PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS)
bool several_providers_allowed(const model::Cluster& cluster) {
  return cluster.profile().has(model::Feature::MultipleCustomProviders) &&
         cluster.flags()
             .boolean(cluster.flags().istiod, "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS")
             .value_or(false);
}

std::unique_ptr<const PolicyEvaluator> compile_ext_authz(ClusterPtr cluster, model::Diagnostics&) {
  return std::make_unique<const CustomAuthorization>(std::move(cluster));
}

}  // namespace waypath::sim
