#pragma once
// What HTTPRoute, VirtualService and Ingress rules compile to: one form, so that matching, weighing and
// rewriting stand once.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "sim/match/route_match.h"
#include "sim/resolve/route.h"

namespace waypath::sim {

struct RuleDestination {
  std::string host;  // fully qualified
  std::optional<std::uint16_t> port;
  std::string subset;
  double weight = 1;
  int error_status = 0;  // not 0: the reference cannot be used, whatever the registry holds
  Code error;
  std::string error_detail;
  model::HeaderChange request_headers, response_headers;
  ObjectAt at;
};

struct RuleRedirect {
  std::optional<std::string> scheme, hostname, full_path,
      prefix;  // prefix: replaces what the path condition matched
  std::optional<std::uint16_t> port;
  bool port_of_listener = false;
  bool by_element = true;  // Gateway API: prefixes join without a double slash; else characters are replaced
  int code = 301;
};

struct RuleRewrite {
  std::optional<std::string> hostname, full_path, prefix;
  bool by_element = false;  // Gateway API: joined without a double slash
  std::shared_ptr<const RegexMatch> regex;
  std::string regex_rewrite;
};

struct RuleCors {
  std::vector<TextMatcher> allow_origins;
  std::string allow_methods, allow_headers, expose_headers, max_age;  // as sent; empty: header left out
  bool allow_credentials = false;
  bool ignore_unmatched = false;  // preflights of other origins are answered, not forwarded
};

struct HttpRule {
  ObjectAt at;
  std::string name;
  bool gateway_semantics = false;  // Gateway API: 500 where VirtualService answers 503
  std::vector<RuleDestination> destinations;
  std::vector<RuleDestination> mirrors;
  std::optional<RuleRedirect> redirect;
  std::optional<int> direct_response;
  std::optional<model::VsFault> fault;
  std::optional<RuleRewrite> rewrite;
  std::optional<RuleCors> cors;
  std::vector<model::HeaderChange> request_headers, response_headers;  // applied in order
  std::string timeout;             // of the whole request; empty or 0s: none
  std::string try_timeout;         // of each try, when there are retries
  std::vector<std::string> facts;  // retries and the like
};

/// One match of a rule: what routers try in order. The part that depends on the proxy is decided before the
/// request is seen.
struct HttpEntry {
  HttpMatch match;
  std::shared_ptr<const HttpRule> rule;
  ObjectAt at;
  std::optional<std::uint16_t> port;  // of the listener or Service
  std::vector<std::pair<model::Symbol, model::Symbol>> source_labels;
  model::Symbol source_namespace;
  std::vector<std::string> gateways;  // "mesh" or "ns/name"
  /// Whether age, where it orders rules, is known; Ingresses are not ordered by it.
  bool age_known = true;
};

/// An ordered list of entries with its index: the rules of one virtual host at one proxy.
class RuleList {
 public:
  void add(HttpEntry entry) {
    index_.add(entry.match);
    entries_.push_back(std::move(entry));
  }
  [[nodiscard]] const std::vector<HttpEntry>& entries() const { return entries_; }
  [[nodiscard]] const MatchIndex& index() const { return index_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

 private:
  std::vector<HttpEntry> entries_;
  MatchIndex index_;
};

/// A VirtualService, or the routes of one parent that Istio merges into one, as proxies select it.
struct RouteConfig {
  std::string kind;  // "VirtualService", "HTTPRoute", "Ingress"
  model::ResourceKey key;
  model::SourcePos pos;
  model::Symbol ns;
  std::string created;  // creationTimestamp
  bool gateway_semantics = false;
  std::vector<std::string> hosts;     // fully qualified
  std::vector<std::string> gateways;  // "mesh" or "ns/name"
  model::ExportTo export_to;
  std::vector<HttpEntry> http;
  const model::VirtualService* vs = nullptr;  // its tls and tcp blocks
  std::optional<std::uint16_t> parent_port;   // parentRef port of a mesh route; nullopt: every port
  std::vector<TraceNode> losers;              // rules of it that yield nothing
};

}  // namespace waypath::sim
