#pragma once
// Stage 6: the hops and legs of a flow before any policy judged them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/policy/policy_evaluator.h"
#include "sim/resolve/mesh.h"
#include "sim/resolve/route.h"
#include "sim/verdict.h"

namespace waypath::sim {

struct ProviderCall;

/// A node on the path. `point` is set where policies act; `request` is what that point sees.
struct Hop {
  HopKind kind = HopKind::Client;
  std::string ns, name;
  model::PodId pod;                    // pod (ztunnel: the pod it acts for)
  PeerIdentity seen_peer, identity;
  std::optional<PolicyPoint> point;
  RequestState request;
  std::vector<TraceNode> facts;        // capture, binding, listener, route: what the walk decided here
  std::vector<ProviderCall> providers;  // ext_authz calls this point may make
  bool answers_http = false;           // an Envoy that turns upstream failures into HTTP answers for this flow
};

struct Leg {
  std::size_t from = 0, to = 0;        // hop indices
  Transport transport = Transport::Plaintext;
  Connection connection;               // what NetworkPolicy sees; meaningless for InPod legs
  std::uint16_t inner_port = 0;
  bool on_wire = true;                 // false: inside one pod's network namespace, no policy
};

/// How the walk ended.
struct PathEnd {
  Outcome outcome = Outcome::Allow;    // Allow: arrived; Unreachable, Deny (transport refusal), Unknown
  Reason reason;
  Response response;
  std::vector<ObjectAt> deciders;
  std::vector<std::string> missing_facts;
  std::string symptom;                 // set when the walk knows it; else symptom.cc derives it
  std::optional<std::size_t> at_hop;   // policies of hops up to and including this one are judged first
};

struct Path {
  std::vector<Hop> hops;
  std::vector<Leg> legs;
  double share = 1.0;
  PathEnd end;
  std::string backend, backend_pod;
  std::optional<BackendRequest> backend_request;
  std::vector<std::string> bypassed;
  std::vector<ObjectAt> bypass_causes;
  std::vector<Assumption> assumptions;
  std::vector<std::string> notes;
};

/// The auxiliary path from an enforcing proxy to an ext_authz provider of meshConfig.
struct ProviderCall {
  std::string provider;
  Path path;
};

}  // namespace waypath::sim
