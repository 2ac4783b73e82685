#pragma once
// Tokens that RequestAuthentications on the way accept, one for every class that conditions on principals,
// audiences and claims tell apart.

#include <string>
#include <vector>

#include "model/istio/security.h"
#include "scenarios/request_classes.h"
#include "sim/policy/authorization_rule.h"

namespace waypath::scenarios {

class TokenClasses {
 public:
  explicit TokenClasses(const model::Cluster& cluster) : cluster_(cluster) {}
  /// True when the condition is one on tokens. Kept by address.
  bool take(const sim::Condition& condition);
  /// Tokens of the rule's issuer can be verified.
  void accept(const model::JwtRule& rule) { rules_.push_back(&rule); }
  /// No token first, then valid ones. A token that nobody verifies, or that is refused, lets no more requests
  /// through than none.
  [[nodiscard]] RequestAttribute attribute(std::vector<std::string>& left_out) const;

 private:
  [[nodiscard]] std::string signature(const sim::Token& token) const;
  void tokens_of(const model::JwtRule& rule, std::vector<sim::Token>& out,
                 std::vector<std::string>& left_out) const;

  const model::Cluster& cluster_;
  std::vector<const model::JwtRule*> rules_;
  std::vector<const sim::Condition*> conditions_;
};

}  // namespace waypath::scenarios
