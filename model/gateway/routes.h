#pragma once
// HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute in one file: they share parents, backends and filters.
// Defaults of the API server are applied while decoding (match PathPrefix "/", weight 1, ...).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/resource.h"

namespace waypath::model {

struct ParentRef {
  std::string group, kind;  // defaults: gateway.networking.k8s.io, Gateway
  Symbol ns;                // defaulted to the route's
  Symbol name;
  std::string section_name;
  std::optional<std::uint16_t> port;
  SourcePos pos;
};

enum class MatchType : std::uint8_t {
  Exact,
  Prefix,
  Regex
};  // Prefix: PathPrefix for paths; unused for headers

struct NameValueMatch {  // header or query parameter
  std::string name;
  MatchType type = MatchType::Exact;
  std::string value;
  SourcePos pos;
};

struct HttpRouteMatch {
  MatchType path_type = MatchType::Prefix;
  std::string path = "/";
  std::vector<NameValueMatch> headers, query_params;
  std::string method;  // empty = any
  SourcePos pos;
};

struct HeaderChange {
  std::vector<std::pair<std::string, std::string>> set, add;
  std::vector<std::string> remove;
};

struct PathModifier {
  bool replace_full = false;  // else ReplacePrefixMatch
  std::string value;
};

struct HttpFilter;

struct BackendRef {
  std::string group, kind;  // defaults "", Service
  Symbol ns;                // defaulted to the route's
  bool ns_given = false;
  Symbol name;
  std::optional<std::uint16_t> port;
  int weight = 1;
  std::vector<HttpFilter> filters;  // of this backend
  SourcePos pos;
};

struct HttpFilter {
  enum class Type : std::uint8_t {
    RequestHeaderModifier,
    ResponseHeaderModifier,
    RequestMirror,
    RequestRedirect,
    UrlRewrite,
    Cors,
    ExternalAuth,
    ExtensionRef,
    Unknown
  };
  Type type = Type::Unknown;
  HeaderChange headers;                         // *HeaderModifier
  std::optional<std::string> scheme, hostname;  // redirect, rewrite (hostname)
  std::optional<PathModifier> path;
  std::optional<std::uint16_t> port;
  std::optional<int> status_code;  // redirect; 302 by the CRD's default
  std::vector<BackendRef> mirror;  // RequestMirror: one
  std::optional<double> mirror_percent;
  std::vector<std::string> allow_origins, allow_methods, allow_headers, expose_headers;  // CORS
  bool allow_credentials = false;
  std::optional<std::int64_t> max_age;  // CORS, seconds; 5 by the CRD's default
  std::string extension;                // ExtensionRef "group/kind/name"
  SourcePos pos;
};

struct HttpRouteRule {
  std::string name;
  std::vector<HttpRouteMatch> matches;  // at least one after defaulting
  std::vector<HttpFilter> filters;
  std::vector<BackendRef> backends;
  std::optional<std::string> request_timeout, backend_request_timeout;
  std::optional<int> retry_attempts;
  bool session_persistence = false;
  SourcePos pos;
};

/// key.kind tells HTTPRoute from GRPCRoute; a GRPCRoute is stored as the HTTP matches it stands for (see
/// decoder).
struct HttpRoute {
  ObjectMeta meta;
  std::vector<ParentRef> parents;
  std::vector<std::string> hostnames;
  std::vector<HttpRouteRule> rules;
};

struct L4RouteRule {
  std::vector<BackendRef> backends;
  SourcePos pos;
};
struct L4Route {  // TLSRoute, TCPRoute, UDPRoute
  ObjectMeta meta;
  std::vector<ParentRef> parents;
  std::vector<std::string> hostnames;  // TLSRoute
  std::vector<L4RouteRule> rules;
};

}  // namespace waypath::model
