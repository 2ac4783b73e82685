#pragma once
// networking.istio.io: Gateway, VirtualService, DestinationRule, ServiceEntry, WorkloadEntry, WorkloadGroup,
// Sidecar; and EnvoyFilter, Telemetry-like kinds that are known to exist but not modelled (kept as names, so
// that they are reported).

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/base/ip.h"
#include "model/gateway/routes.h"
#include "model/kube/label_selector.h"
#include "model/resource.h"

namespace waypath::model {

/// exportTo: empty = the default of mesh config (all).
using ExportTo = std::vector<std::string>;  // ".", "*", "~", namespace names

struct IstioPort {
  std::uint16_t number = 0;
  std::string protocol;  // as written
  Symbol name;
  std::uint16_t target_port = 0;  // 0 = number
};

enum class ServerTlsMode : std::uint8_t {
  None,
  Passthrough,
  Simple,
  Mutual,
  OptionalMutual,
  IstioMutual,
  AutoPassthrough
};
struct IstioServer {
  IstioPort port;
  std::vector<std::string> hosts;  // "host" or "ns/host"
  ServerTlsMode tls = ServerTlsMode::None;
  bool https_redirect = false;
  std::string credential_name, name, bind;
  SourcePos pos;
};
struct IstioGateway {
  ObjectMeta meta;                                  // key: kind Gateway, group networking.istio.io
  std::vector<std::pair<Symbol, Symbol>> selector;  // empty: every gateway proxy
  std::vector<IstioServer> servers;
};

struct StringMatch {
  enum class Kind : std::uint8_t { Exact, Prefix, Regex, Present } kind = Kind::Exact;  // Present: `{}`
  std::string value;
};
struct NamedStringMatch {
  std::string name;
  StringMatch match;
};
struct VsHttpMatch {
  std::string name;
  std::optional<StringMatch> uri, scheme, method, authority;
  std::vector<NamedStringMatch> headers, without_headers, query_params;
  bool ignore_uri_case = false;
  std::optional<std::uint16_t> port;
  std::vector<std::pair<Symbol, Symbol>> source_labels;
  Symbol source_namespace;
  std::vector<std::string> gateways;
  SourcePos pos;
};
struct VsDestination {
  std::string host, subset;
  std::optional<std::uint16_t> port;
  int weight = 0;
  bool weight_given = false;
  HeaderChange request_headers, response_headers;
  SourcePos pos;
};
struct VsRedirect {
  std::optional<std::string> uri, authority, scheme;
  std::optional<std::string> prefix_rewrite;  // replaces what uri.prefix matched, in place of `uri`
  std::optional<std::uint16_t> port;
  std::string derive_port;  // FROM_PROTOCOL_DEFAULT, FROM_REQUEST_PORT
  int code = 301;
};
struct VsRewrite {
  std::optional<std::string> uri, authority;
  std::optional<std::pair<std::string, std::string>> uri_regex;  // {match, rewrite}
};
struct VsFault {
  std::optional<int> abort_status;
  std::optional<int> abort_grpc_status;  // answered instead, inside HTTP 200
  double abort_percent = 0;
  std::optional<std::string> delay;
  double delay_percent = 0;
};
struct VsCors {
  std::vector<StringMatch> allow_origins;
  std::vector<std::string> allow_methods, allow_headers, expose_headers;
  std::optional<bool> allow_credentials;
  std::optional<std::string> max_age;  // duration
  bool ignore_unmatched = false;       // unmatchedPreflights: IGNORE
};
struct VsHttpRoute {
  std::string name;
  std::vector<VsHttpMatch> matches;
  std::vector<VsDestination> route;
  std::optional<VsRedirect> redirect;
  std::optional<int> direct_response_status;
  std::string direct_response_body;
  std::optional<VsRewrite> rewrite;
  std::optional<std::pair<Symbol, Symbol>> delegate;  // {namespace (defaulted), name}
  std::optional<VsFault> fault;
  std::vector<VsDestination> mirrors;
  std::optional<std::string> timeout;
  std::optional<int> retry_attempts;
  std::optional<VsCors> cors;
  HeaderChange request_headers, response_headers;
  SourcePos pos;
};
struct VsL4Match {
  std::vector<std::string> sni_hosts;  // tls only
  std::vector<std::string> destination_subnets;
  std::optional<std::uint16_t> port;
  std::vector<std::pair<Symbol, Symbol>> source_labels;
  Symbol source_namespace;
  std::vector<std::string> gateways;
  SourcePos pos;
};
struct VsL4Route {
  std::vector<VsL4Match> matches;
  std::vector<VsDestination> route;
  SourcePos pos;
};
struct VirtualService {
  ObjectMeta meta;
  std::vector<std::string> hosts, gateways;  // gateways empty = [mesh]
  ExportTo export_to;
  std::vector<VsHttpRoute> http;
  std::vector<VsL4Route> tls, tcp;
};

enum class ClientTlsMode : std::uint8_t { Unset, Disable, Simple, Mutual, IstioMutual };
struct ClientTls {
  ClientTlsMode mode = ClientTlsMode::Unset;
  std::string sni;
  std::vector<std::string> subject_alt_names;
};
struct TrafficPolicy {
  ClientTls tls;
  std::vector<std::pair<std::uint16_t, ClientTls>> port_levels;  // as listed, those without TLS too
  std::optional<std::string> connect_timeout;
  bool tunnel = false;  // tunnel settings: not modelled
  SourcePos pos;
};
struct DestinationRule {
  ObjectMeta meta;
  std::string host;
  ExportTo export_to;
  std::optional<LabelSelector> workload_selector;
  std::optional<TrafficPolicy> traffic_policy;
  struct Subset {
    std::string name;
    std::vector<std::pair<Symbol, Symbol>> labels;
    std::optional<TrafficPolicy> traffic_policy;
    SourcePos pos;
  };
  std::vector<Subset> subsets;
};

struct WorkloadEntrySpec {
  std::string address;  // IP, hostname or unix://
  Labels labels;
  Symbol service_account, network;
  std::vector<std::pair<Symbol, std::uint16_t>> ports;
  std::optional<std::uint32_t> weight;
  SourcePos pos;
};
struct WorkloadEntry {
  ObjectMeta meta;
  WorkloadEntrySpec spec;
};
enum class Resolution : std::uint8_t { None, Static, Dns, DnsRoundRobin, DynamicDns };
struct ServiceEntry {
  ObjectMeta meta;
  std::vector<std::string> hosts;
  std::vector<std::string> addresses;  // IPs and CIDRs
  std::vector<std::pair<std::string, IpAddress>>
      status_addresses;  // auto-allocated: {host ("" = every host), address}
  std::vector<IstioPort> ports;
  bool mesh_internal = false;
  Resolution resolution = Resolution::None;
  std::vector<WorkloadEntrySpec> endpoints;
  std::optional<LabelSelector> workload_selector;
  ExportTo export_to;
  std::vector<std::string> subject_alt_names;
};

enum class OutboundMode : std::uint8_t { AllowAny, RegistryOnly, AllowAnyDynamicDns };
struct Sidecar {
  ObjectMeta meta;
  std::optional<LabelSelector> workload_selector;
  struct Egress {
    std::vector<std::string> hosts;
    std::optional<std::uint16_t> port;
    SourcePos pos;
  };
  struct Ingress {
    std::uint16_t port = 0;
    std::string protocol, default_endpoint;
  };
  std::vector<Egress> egress;
  bool egress_given = false;
  std::vector<Ingress> ingress;
  std::optional<OutboundMode> outbound;
};

/// A kind that affects traffic and is not modelled (EnvoyFilter, WasmPlugin, ProxyConfig,
/// CiliumNetworkPolicy, ...). Kept so that verdicts that it may decide can say so.
struct UnmodelledPolicy {
  ObjectMeta meta;
  std::optional<LabelSelector> selector;
  std::vector<std::pair<std::string, Symbol>> targets;  // {kind, name} of targetRefs
};

}  // namespace waypath::model
