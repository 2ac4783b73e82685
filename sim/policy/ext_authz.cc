// CUSTOM: external authorization at Envoy proxies. authorization.md section 10.
// Source: istio pilot/pkg/security/authz/builder/{builder,extauthz}.go

#include <algorithm>
#include <map>

#include "sim/policy/attachment.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/authservice.h"
#include "sim/policy/families.h"
#include "sim/reason_codes_authz.h"

namespace waypath::sim {
namespace {

using model::AuthorizationPolicy;
using model::ExtensionProvider;

struct Provider {
  const ExtensionProvider* config = nullptr;
  std::string broken;  // why no proxy can use it
  std::optional<AuthserviceConfig> authservice;
};

struct Trigger {
  const AuthorizationPolicy* policy = nullptr;
  std::size_t rule = 0;
  [[nodiscard]] ObjectAt at() const {
    return object_of(policy->meta, policy->rules[rule].pos, static_cast<int>(rule));
  }
};

// "ns/host", host or short name, as meshConfig writes it.
model::ServiceId provider_service(const model::Cluster& cluster, const std::string& service) {
  const auto slash = service.find('/');
  const auto host = slash == std::string::npos ? service : service.substr(slash + 1);
  for (const auto id : cluster.services_by_host(host))
    if (slash == std::string::npos || cluster.service(id).ns == std::string_view(service).substr(0, slash))
      return id;
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

class CustomAuthorization final : public PolicyEvaluator {
 public:
  explicit CustomAuthorization(ClusterPtr cluster) : cluster_(std::move(cluster)), policies_(*cluster_) {
    for (const auto& config : cluster_->mesh().extension_providers) {
      auto& provider = providers_[config.name];
      if (provider.config != nullptr) {
        provider.broken = "meshConfig lists provider " + config.name + " twice";
        continue;
      }
      provider.config = &config;
      const auto service = provider_service(*cluster_, config.service);
      if (config.type == ExtensionProvider::Type::Other) {
        provider.broken = "provider " + config.name + " is no ext_authz provider";
      } else if (!config.port_valid) {
        provider.broken = "provider " + config.name + " has no valid port";
      } else if (!service.valid()) {
        provider.broken =
            "Service " + config.service + " of provider " + config.name + " is not in the registry";
      } else if (!config.path_prefix.empty() && config.path_prefix.front() != '/') {
        provider.broken = "pathPrefix of provider " + config.name + " does not start with /";
      } else {
        provider.authservice = find_authservice_config(*cluster_, cluster_->service(service).ns);
      }
    }
    multiple_ = cluster_->profile().has(model::Feature::MultipleCustomProviders) &&
                cluster_->flags()
                    .boolean(cluster_->flags().istiod, "PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS")
                    .value_or(false);
  }
  [[nodiscard]] std::string_view name() const override { return "CUSTOM"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    if (!is_envoy(*context.point)) return {};  // ztunnel knows no CUSTOM action
    std::map<std::string, std::vector<const AuthorizationPolicy*>> by_provider;
    for (const auto* p : policies_.at(*context.point))
      if (p->action == model::AuthorizationAction::Custom) by_provider[p->provider].push_back(p);
    PolicyResult result;
    for (const auto& [name, policies] : by_provider) {
      PolicyResult one = ask(name, policies, by_provider.size(), context, recorder);
      if (recorder != nullptr && one.decision != Decision::NotApplicable)
        recorder->nodes.push_back({"CUSTOM", one.decision, one.reason, {}});
      if (one.decision == Decision::NotApplicable) continue;
      result = std::move(one);
      if (result.decision != Decision::Allow) return result;
    }
    return result;
  }

 private:
  PolicyResult ask(const std::string& name, const std::vector<const AuthorizationPolicy*>& policies,
                   std::size_t providers, const HopContext& context, TraceRecorder* recorder) const {
    auto& request = *context.request;
    const bool http = context.point->http;
    const auto it = providers_.find(name);
    const Provider* provider = it == providers_.end() ? nullptr : &it->second;
    if (!http && provider != nullptr && provider->config->type == ExtensionProvider::Type::ExtAuthzHttp)
      return {};  // skipped on TCP
    PolicyResult r;
    std::string missing;
    const auto trigger = find_trigger(policies, context, missing);
    if (!trigger) {
      if (!missing.empty()) return unknown(policies.front(), missing, recorder);
      if (recorder != nullptr)
        recorder->nodes.push_back({"CUSTOM",
                                   Decision::NotApplicable,
                                   {kExtAuthzNotTriggered, object_of(policies.front()->meta),
                                    "no rule of provider " + name + " matches"},
                                   {}});
      return r;
    }
    const ObjectAt at = trigger->at();
    const auto refuse = [&](Code code, std::string detail, int status) {
      r.decision = Decision::Deny;
      r.reason = {code, at, std::move(detail)};
      r.deciders = {at};
      if (http) r.status = status;
    };
    if (providers > 1 && !multiple_) {
      refuse(kExtAuthzMultipleProviders,
             "CUSTOM policies of several providers apply here: each of their rules refuses", 403);
      return r;
    }
    if (provider == nullptr || !provider->broken.empty()) {
      refuse(kExtAuthzBadProvider,
             provider == nullptr ? "meshConfig has no extension provider \"" + name + "\"" : provider->broken,
             403);
      if (provider != nullptr) r.deciders.push_back({{}, provider->config->pos, -1, {}});
      std::erase_if(r.deciders, [](const ObjectAt& o) { return o.key.name.empty(); });
      return r;
    }
    const auto stated = request.assume == nullptr ? nullptr : stated_answer(*request.assume, name);
    const auto reach = request.providers.find(name);
    const bool down = stated != nullptr && stated->unreachable;
    if (down || (reach != request.providers.end() && reach->second.outcome != Outcome::Allow)) {
      if (!down && reach->second.outcome == Outcome::Unknown)
        return unknown(trigger->policy, reach->second.reason.detail, recorder);
      return failed(*provider->config, *trigger, down ? nullptr : &reach->second, http);
    }
    if (stated != nullptr) return answer_stated(*stated, *trigger, request);
    if (!provider->authservice)
      return unknown(trigger->policy,
                     "what ext_authz provider \"" + name + "\" (" + provider->config->service + ") answers",
                     recorder);
    return answer_authservice(*provider->authservice, *trigger, request, recorder, http);
  }

  static const ExtAuthzAnswer* stated_answer(const Assume& assume, const std::string& name) {
    const auto it = assume.ext_authz.find(name);
    return it == assume.ext_authz.end() ? nullptr : &it->second;
  }

  std::optional<Trigger> find_trigger(const std::vector<const AuthorizationPolicy*>& policies,
                                      const HopContext& context, std::string& missing) const {
    for (const auto* p : policies) {
      for (std::size_t i = 0; i < p->rules.size(); ++i) {
        const auto match =
            match_rule(*cluster_, *p, p->rules[i], dialect_of(*context.point), *context.request);
        if (match.result == Tri::Yes) return Trigger{p, i};
        if (match.result == Tri::Unknown) missing = match.missing_fact;
      }
    }
    return std::nullopt;
  }

  static PolicyResult unknown(const AuthorizationPolicy* policy, const std::string& fact,
                              TraceRecorder* recorder) {
    PolicyResult r;
    r.decision = Decision::Unknown;
    r.reason = {kExtAuthzAnswerUnknown, object_of(policy->meta), fact};
    if (recorder != nullptr) recorder->missing_facts.push_back(fact);
    return r;
  }

  // The provider gave no answer: failOpen and statusOnError decide.
  static PolicyResult failed(const ExtensionProvider& config, const Trigger& trigger,
                             const RequestState::Reachability* reach, bool http) {
    PolicyResult r;
    const std::string why = reach == nullptr ? "stated as unreachable"
                            : reach->reason.detail.empty()
                                ? std::string(reach->reason.code.text)
                                : std::string(reach->reason.code.text) + ": " + reach->reason.detail;
    const std::string detail =
        "provider " + config.name + " (" + config.service + ") cannot be reached: " + why;
    r.deciders = {trigger.at()};
    if (config.fail_open) {
      r.decision = Decision::Allow;
      r.reason = {kExtAuthzFailOpen, trigger.at(), detail + "; failOpen lets the request through"};
      return r;
    }
    r.decision = Decision::Deny;
    r.reason = {kExtAuthzUnreachable, trigger.at(), detail};
    if (reach != nullptr) {
      r.deciders.insert(r.deciders.end(), reach->deciders.begin(), reach->deciders.end());
      if (reach->reason.by) r.deciders.push_back(*reach->reason.by);
      r.delay = reach->delay;
      r.immediate = r.delay.empty() || r.delay == "at once";
    }
    if (http)
      r.status = config.status_on_error.empty() ||
                         config.status_on_error.find_first_not_of("0123456789") != std::string::npos
                     ? 403
                     : std::stoi(config.status_on_error.substr(0, 3));
    return r;
  }

  static void carry(RequestState& request, const Token& token, const std::string& value) {
    const auto same = [&](const Token& t) { return t.where == token.where && t.name == token.name; };
    std::erase_if(request.tokens, same);
    std::erase_if(request.headers, [&](const auto& h) { return h.first == token.name; });
    request.tokens.push_back(token);
    if (!value.empty()) request.headers.emplace_back(token.name, value);
  }

  static PolicyResult answer_stated(const ExtAuthzAnswer& answer, const Trigger& trigger,
                                    RequestState& request) {
    PolicyResult r;
    const bool allowed = answer.allow_always || matches_header(answer.allow_when_headers, request);
    if (allowed) {
      r.decision = Decision::Allow;
      r.reason = {kExtAuthzAllow, trigger.at(), "provider " + trigger.policy->provider + " allows (stated)"};
      for (const auto& [name, value] : answer.set_headers) {
        std::erase_if(request.headers, [&](const auto& h) { return h.first == name; });
        request.headers.emplace_back(name, value);
      }
      if (answer.set_token) carry(request, *answer.set_token, "");
      return r;
    }
    r.decision = Decision::Deny;
    r.deciders = {trigger.at()};
    r.status = answer.else_redirect.empty()
                   ? answer.else_status
                   : (answer.else_status >= 300 && answer.else_status < 400 ? answer.else_status : 302);
    r.redirect = answer.else_redirect;
    r.reason = {answer.else_redirect.empty() ? kExtAuthzDenied : kExtAuthzRedirect, trigger.at(),
                "provider " + trigger.policy->provider + " refuses (stated)"};
    return r;
  }

  PolicyResult answer_authservice(const AuthserviceConfig& config, const Trigger& trigger,
                                  RequestState& request, TraceRecorder* recorder, bool http) const {
    const auto answer = ask_authservice(config, *cluster_, request);
    if (answer.assumption && recorder != nullptr) recorder->assumptions.push_back(*answer.assumption);
    PolicyResult r;
    const ObjectAt at = trigger.at();
    switch (answer.kind) {
      case AuthserviceAnswer::Kind::Allow:
        r.decision = Decision::Allow;
        r.reason = {kExtAuthzAllow, at, "authservice, " + answer.detail};
        if (answer.token) carry(request, *answer.token, answer.token->prefix + "<id token of the session>");
        return r;
      case AuthserviceAnswer::Kind::Unknown:
        return unknown(trigger.policy, answer.missing_fact, recorder);
      case AuthserviceAnswer::Kind::Redirect:
      case AuthserviceAnswer::Kind::Deny:
        break;
    }
    const bool redirect = answer.kind == AuthserviceAnswer::Kind::Redirect;
    r.decision = Decision::Deny;
    r.reason = {redirect ? kExtAuthzRedirect : kExtAuthzDenied, at, "authservice, " + answer.detail};
    r.deciders = {at, {config.source, config.pos, -1, {}}};
    if (http) r.status = answer.status;
    r.redirect = answer.redirect;
    return r;
  }

  ClusterPtr cluster_;
  PoliciesByNamespace<AuthorizationPolicy> policies_;
  std::map<std::string, Provider, std::less<>> providers_;
  bool multiple_ = false;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_ext_authz(ClusterPtr cluster, model::Diagnostics&) {
  return std::make_unique<const CustomAuthorization>(std::move(cluster));
}

}  // namespace waypath::sim
