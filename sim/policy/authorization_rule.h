#pragma once
// One rule of an AuthorizationPolicy, compiled for the three forms that proxies give it: Envoy's HTTP chains,
// Envoy's TCP chains (HTTP-only fields removed) and ztunnel's L4 form. authorization.md sections 5 to 7.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.h"
#include "model/istio/security.h"
#include "sim/match/policy_match.h"
#include "sim/match/regex_match.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

enum class Tri : std::uint8_t { No, Yes, Unknown };
enum class Dialect : std::uint8_t { EnvoyHttp, EnvoyTcp, Ztunnel };
inline constexpr std::size_t kDialects = 3;
[[nodiscard]] Dialect dialect_of(const PolicyPoint& point);

/// A request with what matching needs of it worked out once.
struct PolicyRequest {
  PolicyRequest(const RequestState& state, model::PathNormalization normalization, bool http);
  const RequestState& state;
  std::string path, host;  // normalised; in lower case
};

/// Why a rule matched or did not; filled for explanations only.
struct RuleMatch {
  std::string detail;        // the conditions that failed (or, on a match, held) with the values compared
  std::string missing_fact;  // of an Unknown
  model::SourcePos pos;      // of the first value that `detail` is about
  // The nearest miss has the fewest conditions that fail, then the most that hold, then the nearest caller.
  int failed = 0, held = 0;
  std::size_t distance = SIZE_MAX;  // from the caller to the nearest one listed; 0: the caller itself
  [[nodiscard]] bool nearer_than(const RuleMatch& other) const;
};

enum class Attribute : std::uint8_t {
  Principal,
  Namespace,
  ServiceAccount,
  TrustDomain,
  SourceIp,
  RemoteIp,
  RequestPrincipal,
  Host,
  Port,
  Method,
  Path,
  Header,
  DestinationIp,
  Sni,
  Audiences,
  Claim,
  FilterMetadata,
  UnknownKey
};

/// One value as a proxy compares it. A written value may stand for several (trust domain aliases).
struct CompiledValue {
  const model::PolicyValue* written = nullptr;
  ValueMatch text, second;  // second: subject of a request principal
  std::optional<model::Cidr> cidr;
  std::uint16_t port = 0;
  std::shared_ptr<const RegexMatch> regex;
  bool contains = false;    // `text` anywhere in the name
  bool unknowable = false;  // what it means depends on something that is not modelled
};

struct Condition {
  Attribute attribute = Attribute::UnknownKey;
  std::string_view name;  // as written: "principals", "request.headers[x]"
  std::string key;        // header name, claim path
  model::SourcePos pos;
  std::uint8_t active = 0;  // bit per dialect: takes part there
  const model::PolicyValues* written = nullptr;
  const model::PolicyValues* not_written = nullptr;
  std::vector<CompiledValue> values, not_values;  // Envoy's; ztunnel's where these do not differ
  std::vector<CompiledValue> ztunnel_values, ztunnel_not_values;
  std::string missing_fact;  // of unknowable values
  bool each_value = false;   // a repeated header matches by any of its values; else they are joined
  [[nodiscard]] bool differs_at_ztunnel() const {
    return attribute == Attribute::Principal || attribute == Attribute::Namespace;
  }
};

class CompiledRule {
 public:
  /// `cluster`, `policy` and `rule` outlive this.
  CompiledRule(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
               const model::AuthorizationRule& rule);
  /// `why` null: decides only. Both decide alike.
  [[nodiscard]] Tri matches(Dialect dialect, const PolicyRequest& request, RuleMatch* why) const;
  /// Set when the proxy does not carry the rule at all: why.
  [[nodiscard]] const std::optional<RuleMatch>& dropped(Dialect dialect) const {
    return dropped_[static_cast<std::size_t>(dialect)];
  }
  /// What the proxy makes of a rule that it carries: conditions that it leaves out, and what that means.
  /// Empty: as written.
  [[nodiscard]] std::vector<std::string> changes(Dialect dialect) const;
  /// The rule is carried and can never match.
  [[nodiscard]] bool dead(Dialect dialect) const;
  [[nodiscard]] const model::AuthorizationRule& written() const { return *rule_; }
  /// What a request must have for the rule to match: one of these principals, one of these ports. Nothing: no
  /// such demand; an empty list: the rule never matches.
  [[nodiscard]] std::optional<std::vector<std::string>> only_principals(Dialect dialect) const;
  [[nodiscard]] std::optional<std::vector<std::uint16_t>> only_ports(Dialect dialect) const;
  /// And one of these namespaces of the caller's identity.
  [[nodiscard]] std::optional<std::vector<std::string>> only_namespaces(Dialect dialect) const;

 private:
  using Entry = std::vector<Condition>;
  [[nodiscard]] Tri entry(const Entry& entry, Dialect dialect, const PolicyRequest& request,
                          RuleMatch* why) const;
  [[nodiscard]] Tri clause(const std::vector<Entry>& entries, Dialect dialect, const PolicyRequest& request,
                           RuleMatch* why) const;
  void find_dropped();
  /// Calls `take` with the condition on `attribute` of each entry that can match; false when one has none.
  template <class Take>
  bool every_entry(const std::vector<Entry>& clause, Dialect dialect, Attribute attribute,
                   const Take& take) const;

  const model::AuthorizationRule* rule_;
  bool allow_;
  std::vector<Entry> from_, to_, when_;  // a `when` is a clause of one entry of one condition
  std::array<std::optional<RuleMatch>, kDialects> dropped_;
};

/// The conditions of one entry; inactive ones included, so that reports can name them.
[[nodiscard]] std::vector<Condition> compile_source(const model::Cluster& cluster,
                                                    const model::AuthorizationPolicy& policy,
                                                    const model::AuthorizationSource& source);
[[nodiscard]] std::vector<Condition> compile_operation(const model::AuthorizationPolicy& policy,
                                                       const model::AuthorizationOperation& operation);
[[nodiscard]] Condition compile_when(const model::Cluster& cluster, const model::AuthorizationPolicy& policy,
                                     const model::AuthorizationCondition& when);
[[nodiscard]] bool http_only(Attribute attribute);
/// Whether every written value can be used by Envoy.
[[nodiscard]] bool usable(const Condition& condition);
[[nodiscard]] Tri match_condition(const Condition& condition, Dialect dialect, const PolicyRequest& request,
                                  RuleMatch* why);

}  // namespace waypath::sim
