#pragma once
// The one interface of policies. A family answers for a leg (NetworkPolicy and kin) or for a hop
// (authorization); the order of families is fixed in evaluator_table.cc and nowhere else. Adding a policy
// kind: one file here and one row there.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"
#include "sim/verdict.h"

namespace waypath::sim {

/// One end of a connection as a NetworkPolicy sees it. All unset: an address outside the cluster that is not
/// known.
struct NetPeer {
  model::PodId pod;                         // a pod that policies can select (hostNetwork pods: see `node`)
  model::NodeId node;                       // a node, kubelet or hostNetwork pod
  std::optional<model::IpAddress> address;  // as it stands on the wire
  std::string domain;                       // name that the client resolved, for domainNames peers
};

enum class Direction : std::uint8_t { Egress, Ingress };

/// A new connection on the wire: destination port is the port on the pod (15008 for HBONE).
struct Connection {
  NetPeer source, destination;
  model::Protocol protocol = model::Protocol::Tcp;
  std::uint16_t port = 0;
  bool hbone = false;             // the port is 15008 because the mesh tunnels; explains near misses
  std::uint16_t inner_port = 0;   // application port behind HBONE
  std::uint16_t target_port = 0;  // to a waypoint: the port of the pods behind the Service, when known
  bool kubelet_probe = false;     // from the pod's own node, seen as 169.254.7.127 when the pod is captured
  bool self = false;              // a pod to itself
  bool self_via_service = false;
  bool source_nat = false;  // the source address may have been rewritten (externalTrafficPolicy: Cluster)
};

/// The proxy that enforces: authorization.md section 2.
struct PolicyPoint {
  enum class Kind : std::uint8_t {
    Ztunnel,
    Sidecar,
    GatewayApi,
    ClassicGateway,
    Waypoint
  } kind = Kind::Ztunnel;
  model::Symbol ns;             // of the proxy (ztunnel: of the destination pod)
  model::Labels labels;         // of the proxy's pod (ztunnel: destination pod)
  model::Symbol workload_name;  // for messages
  model::Symbol gateway_name;   // GatewayApi, Waypoint: Gateway in `ns`
  model::Symbol gateway_class;  // its class
  model::ServiceId service;     // Waypoint: the chain's service; invalid = the direct pod chain
  bool http = true;             // HTTP chain; false = TCP chain. ztunnel: always false
};

/// What the point sees of the request (authorization.md section 8). A working copy: CUSTOM adds headers, JWT
/// adds a principal.
struct RequestState {
  PeerIdentity peer;
  std::optional<model::IpAddress> source_ip, remote_ip, destination_ip;
  std::uint16_t port = 0;
  std::string sni;
  // HTTP
  std::string method, scheme, host, path;  // path with query, as sent
  Headers headers;
  std::vector<Token> tokens;      // presented and not yet verified
  std::optional<Token> verified;  // after RequestAuthentication
  Session session = Session::Unstated;
  // What a provider answers is not known: headers and tokens may still become others. The rest stands.
  bool unsettled = false;
  std::optional<Token> session_token;
  const Assume* assume = nullptr;
  /// Whether an ext_authz provider can be reached from this point, by provider name: verdict of the auxiliary
  /// path.
  struct Reachability {
    Outcome outcome = Outcome::Allow;
    Reason reason;
    std::vector<ObjectAt> deciders;
    std::string delay;  // "after 10s", "at once"
  };
  std::map<std::string, Reachability, std::less<>> providers;
};

struct LegContext {
  const Connection* connection = nullptr;
  Direction direction = Direction::Egress;
};

struct HopContext {
  const PolicyPoint* point = nullptr;
  RequestState* request = nullptr;
};

/// What a family said. Response is set by an HTTP refusal.
struct PolicyResult {
  Decision decision = Decision::NotApplicable;
  Reason reason;
  std::vector<ObjectAt> deciders;
  int status = 0;
  std::string redirect;
  bool immediate = true;  // false: the client waits (ext_authz behind a drop) `delay`
  std::string delay;
};

class PolicyEvaluator {
 public:
  virtual ~PolicyEvaluator() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Const and reentrant. A leg family is asked with `evaluate_leg`, a hop family with `evaluate_hop`.
  [[nodiscard]] virtual PolicyResult evaluate_leg(const LegContext&, TraceRecorder*) const { return {}; }
  [[nodiscard]] virtual PolicyResult evaluate_hop(const HopContext&, TraceRecorder*) const { return {}; }
  /// Extension providers of meshConfig that the family may call from the point, sorted by name.
  [[nodiscard]] virtual std::vector<const model::ExtensionProvider*> providers_at(const PolicyPoint&) const {
    return {};
  }
};

/// Every family, compiled for one cluster, in the order in which they are asked.
struct EvaluatorTable {
  std::vector<std::unique_ptr<const PolicyEvaluator>> leg;  // both directions
  std::vector<std::unique_ptr<const PolicyEvaluator>> hop;
};
[[nodiscard]] EvaluatorTable compile_policies(std::shared_ptr<const model::Cluster> cluster,
                                              const SimOptions& options, model::Diagnostics& diagnostics);

/// What all families may call from the point.
[[nodiscard]] std::vector<const model::ExtensionProvider*> providers_at(const EvaluatorTable& table,
                                                                        const PolicyPoint& point);

/// Egress at the source, ingress at the destination; both are evaluated and recorded even when the first one
/// drops.
struct LegDecisions {
  PolicyResult egress, ingress;
  std::vector<TraceNode> egress_trace, ingress_trace;
};
[[nodiscard]] LegDecisions judge_leg(const EvaluatorTable& table, const Connection& connection,
                                     TraceRecorder* recorder);

/// All hop families in order; the first refusal ends it. Where one does not know, those behind it are asked
/// all the same: what one of them refuses whatever the answer is refused. The very function that simulate and
/// the conformance runner call.
[[nodiscard]] PolicyResult judge_hop(const EvaluatorTable& table, const PolicyPoint& point,
                                     RequestState& request, TraceRecorder* recorder);

}  // namespace waypath::sim
