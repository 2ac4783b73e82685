#pragma once
// Stage 6: the hops and legs of a flow before any policy judged them.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/graph_ids.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/route.h"
#include "sim/symptom.h"
#include "sim/verdict.h"

namespace waypath::sim {

struct AuxiliaryCall;
/// Shared: the paths of one flow have them in common.
using AuxiliaryCalls = std::vector<std::shared_ptr<const AuxiliaryCall>>;

/// A node on the path. `point` is set where policies act; `request` is what that point sees.
struct Hop {
  HopKind kind = HopKind::Client;
  VertexId vertex;  // of the engine's Topology
  std::string ns, name;
  model::PodId pod;  // pod (ztunnel: the pod it acts for)
  PeerIdentity seen_peer, identity;
  std::optional<PolicyPoint> point;
  RequestState request;
  std::vector<TraceNode> facts;  // capture, binding, listener, route: what the walk decided here
  AuxiliaryCalls providers;      // ext_authz calls this point may make
  bool answers_http = false;     // an Envoy that turns upstream failures into HTTP answers for this flow
  int connect_attempts = 1;      // of its route, for plain connections
};

struct Leg {
  std::size_t from = 0, to = 0;  // hop indices
  Crossing edges;                // of the engine's Topology, that the connection takes
  Transport transport = Transport::Plaintext;
  Connection connection;  // what NetworkPolicy sees; meaningless for InPod legs
  std::uint16_t inner_port = 0;
  bool on_wire = true;  // false: inside one pod's network namespace, no policy
  /// The source address is rewritten to that of one of these, and the manifests do not tell which. Empty:
  /// `connection` is exact.
  std::vector<NetPeer> possible_sources;
};

/// How the walk ended, after every hop and leg of the path let the request through.
struct PathEnd {
  Outcome outcome = Outcome::Allow;  // Allow: arrived; Unreachable, Deny (transport refusal), Unknown
  Reason reason;
  Failure failure;    // unless Allow
  Response response;  // of a proxy that answers as configured
  std::vector<ObjectAt> deciders;
  std::vector<std::string> missing_facts;
};

struct Path {
  std::vector<Hop> hops;
  std::vector<Leg> legs;   // leg i goes from hop i to hop i + 1
  AuxiliaryCalls lookups;  // name resolution on the wire, before the first leg
  double share = 1.0;
  PathEnd end;
  model::ServiceId service;  // service finally reached, when there is one
  std::string backend, backend_pod;
  std::optional<BackendRequest> backend_request;
  std::vector<std::string> bypassed;
  std::vector<ObjectAt> bypass_causes;
  std::vector<ObjectAt> deciders;  // objects that shaped the path (a waypoint label without effect, ...)
  std::vector<Assumption> assumptions;
  std::vector<std::string> notes;
};

/// A connection beside the request: from an enforcing proxy to an ext_authz provider of meshConfig, or to a
/// name server.
struct AuxiliaryCall {
  std::string name;     // provider name; "dns"
  std::string purpose;  // "ext_authz authservice", "DNS udp"
  Path path;
};

}  // namespace waypath::sim
