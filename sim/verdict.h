#pragma once
// What waypath answers: outcome, symptom, the hops and legs with every decision, who decided and what nearly
// did (stage 7).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/base/codes.h"
#include "model/resource.h"

namespace waypath::sim {

using model::Code;
using model::ResourceKey;
using model::SourcePos;

/// Of a whole flow; the words of the command line.
enum class Outcome : std::uint8_t { Allow, Deny, Timeout, Unreachable, Unknown };
[[nodiscard]] std::string_view to_string(Outcome o);  // "allow", ...

/// Of one evaluator at one leg or hop. Deny is an answer (403, reset); Drop is silence; Unknown is a real
/// result.
enum class Decision : std::uint8_t { NotApplicable, Allow, Deny, Drop, Unknown };
[[nodiscard]] std::string_view to_string(Decision d);

/// An object of the manifests that decided or was considered. `rule` is the index of its rule, -1 for none.
struct ObjectAt {
  ResourceKey key;
  SourcePos pos;  // of the rule or field that matters, else of the object
  int rule = -1;
  std::string section;  // "ingress", "egress", "rules", "http", ...; names the list `rule` indexes
  friend bool operator==(const ObjectAt&, const ObjectAt&) = default;
};

struct Reason {
  Code code;  // from sim/reasons/reason_codes.h
  std::optional<ObjectAt> by;
  std::string detail;  // one sentence with the values compared: "principals: a/b; caller is c/d"
};

/// One policy or rule considered, with what it said. Children: the rules below a policy, the fields below a
/// rule.
struct TraceNode {
  std::string layer;  // "NetworkPolicy", "AuthorizationPolicy DENY", "RequestAuthentication", "CUSTOM",
                      // "route", "waypoint binding", ...
  Decision decision = Decision::NotApplicable;
  Reason reason;
  std::vector<TraceNode> children;
};

/// A fact that was taken for granted. Stable code; `detail` says what and why here.
struct Assumption {
  Code code;
  std::string detail;
  SourcePos pos;
  friend bool operator==(const Assumption&, const Assumption&) = default;
};

/// What would have had to differ for the flow to pass.
struct NearMiss {
  ObjectAt object;
  std::string detail;  // "matches the peer, lists only TCP 9090; the wire port is 15008"
};

/// Collects what evaluators say. Evaluators take a pointer: null = decide only, no explanation; both must
/// decide alike.
struct TraceRecorder {
  std::vector<TraceNode> nodes;
  std::vector<NearMiss> near_misses;
  std::vector<Assumption> assumptions;
  std::vector<std::string> missing_facts;  // what an Unknown decision lacks
};

/// SPIFFE identity as policies write it, without "spiffe://". Empty principal = none (plaintext).
struct PeerIdentity {
  std::string principal;  // "cluster.local/ns/a/sa/b"
  model::Symbol ns, service_account;
  [[nodiscard]] bool present() const { return !principal.empty(); }
};

enum class HopKind : std::uint8_t {
  External,
  Node,
  Client,
  Gateway,
  Ztunnel,
  Waypoint,
  Sidecar,
  Application,
  Address
};
[[nodiscard]] std::string_view to_string(HopKind k);
enum class Transport : std::uint8_t { Plaintext, Tls, Hbone, Mtls, InPod };
[[nodiscard]] std::string_view to_string(Transport t);  // "plaintext", "TLS", "HBONE", "mTLS", "in pod"

/// A node that the flow passes, with the decisions taken there.
struct HopResult {
  HopKind kind = HopKind::Client;
  std::string ns, name;    // "authservice", "authservice-waypoint"; external: name only
  std::string pod;         // pod that represents it, when there is one
  PeerIdentity seen_peer;  // mTLS peer identity this hop sees
  PeerIdentity identity;   // its own identity on the next leg
  Decision decision = Decision::NotApplicable;
  std::vector<TraceNode> decisions;
};

/// A connection between two hops, with the NetworkPolicy decisions on it.
struct LegResult {
  std::size_t from = 0, to = 0;  // indices into hops
  Transport transport = Transport::Plaintext;
  std::string protocol = "TCP";
  std::string source, destination;  // addresses, or "?" when unknown
  std::uint16_t wire_port = 0, inner_port = 0;
  bool auxiliary = false;  // to an ext_authz provider or DNS, not the request itself
  std::string purpose;     // of an auxiliary leg: "ext_authz authservice"
  Decision decision = Decision::NotApplicable;
  std::vector<TraceNode> egress, ingress;
  bool dropped = false;
};

struct Response {
  int status = 0;           // 0: the application's business
  std::string redirect;     // Location
  std::string answered_by;  // "VirtualService/a/b" when a proxy answers as configured
};

struct BackendRequest {  // what the backend receives
  std::string host, path;
  std::vector<std::pair<std::string, std::string>> headers;  // those that the path set or changed
  std::vector<std::string> removed_headers;
  std::uint16_t port = 0;
};

struct PathVerdict {
  Outcome outcome = Outcome::Unknown;
  std::string symptom;
  double share = 1.0;
  Reason reason;                   // of the deciding leg or hop
  std::vector<ObjectAt> deciders;  // all objects that together decided (an isolating policy and the near one)
  std::optional<std::size_t> decided_at_hop, decided_at_leg;
  std::vector<HopResult> hops;
  std::vector<LegResult> legs;
  Response response;
  std::optional<BackendRequest> backend_request;
  std::string backend;  // "ns/name" of the Service reached, or the address
  std::string backend_pod;
  std::vector<std::string> bypassed;    // intended enforcement points that the path skipped: "waypoint
                                        // authservice/authservice-waypoint: Service ... lacks ..."
  std::vector<ObjectAt> bypass_causes;  // objects to change
  std::vector<Assumption> assumptions;
  std::vector<NearMiss> near_misses;
  std::vector<std::string> missing_facts;  // Unknown
  std::vector<std::string> notes;          // log texts, retries and timeouts, warnings that this flow touches
};

struct Verdict {
  std::string from, to;  // as asked
  Outcome outcome = Outcome::Unknown;
  std::string symptom;
  bool split = false;              // paths differ in outcome
  std::vector<PathVerdict> paths;  // at least one; order: share descending, then path text
  std::string istio_version;
};

}  // namespace waypath::sim
