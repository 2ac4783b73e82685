#pragma once
// What istio-ecosystem/authservice answers, from its own configuration: authorization.md 10.5, bigbang.md
// section 6.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

struct AuthserviceConfig {
  struct Path {
    enum class Kind : std::uint8_t { Exact, Prefix, Suffix, Regex } kind = Kind::Exact;
    std::string text;
  };
  struct TriggerRule {
    std::vector<Path> excluded, included;
  };
  struct Oidc {
    std::string authorization_uri, configuration_uri, callback_uri, client_id, cookie_prefix, logout_path,
        logout_redirect, jwks_uri, jwks;
    std::vector<std::string> scopes;
    std::string token_header = "authorization", token_preamble, access_token_header, access_token_preamble;
  };
  struct Filter {
    bool mock = false, mock_allows = false;
    Oidc oidc;
  };
  struct Chain {
    std::string name, header, prefix, equality;  // no header: every request
    std::vector<Filter> filters;
  };
  bool allow_unmatched = false;
  std::vector<TriggerRule> triggers;
  std::vector<Chain> chains;
  model::ResourceKey source;
  model::SourcePos pos;
};

/// The configuration that a ConfigMap or Secret beside the provider's Service holds. When several do, the one
/// with the Service's name; nullopt when none is found or it stays open which.
[[nodiscard]] std::optional<AuthserviceConfig> find_authservice_config(const model::Cluster& cluster,
                                                                       const model::RegistryService& service);
[[nodiscard]] std::optional<AuthserviceConfig> parse_authservice_config(std::string_view json);

struct AuthserviceAnswer {
  enum class Kind : std::uint8_t { Allow, Redirect, Deny, Unknown } kind = Kind::Allow;
  int status = 403;
  std::string redirect, detail, missing_fact;
  std::optional<Token> token;  // that the allowed request carries from now on
  Headers headers;             // more headers of the allowed request
  std::optional<Assumption> assumption;
};
[[nodiscard]] AuthserviceAnswer ask_authservice(const AuthserviceConfig& config,
                                                const model::Cluster& cluster, const RequestState& request);

}  // namespace waypath::sim
