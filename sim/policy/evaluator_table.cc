// The order of the families, here and nowhere else.

#include "sim/policy/families.h"
#include "sim/policy/network_policy.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reasons/authz.h"

namespace waypath::sim {

EvaluatorTable compile_policies(std::shared_ptr<const model::Cluster> cluster, const SimOptions& options,
                                model::Diagnostics& diagnostics) {
  std::vector<std::unique_ptr<const PolicyEvaluator>> leg;
  leg.push_back(compile_network_policies(cluster, options, diagnostics));
  EvaluatorTable table = compile_hop_policies(cluster, diagnostics);
  table.leg = std::move(leg);
  return table;
}

EvaluatorTable compile_hop_policies(const ClusterPtr& cluster, model::Diagnostics& diagnostics) {
  EvaluatorTable table;
  // Source: istio pilot/pkg/networking/core/listener_builder.go buildHTTPConnectionManager (order of filters)
  table.hop.push_back(compile_peer_authentication(cluster));
  table.hop.push_back(compile_request_paths(cluster));
  table.hop.push_back(compile_ext_authz(cluster, diagnostics));
  table.hop.push_back(compile_request_authentication(cluster));
  table.hop.push_back(compile_authorization_policies(cluster));
  return table;
}

namespace {

bool refuses(Decision d) { return d == Decision::Deny || d == Decision::Drop || d == Decision::Unknown; }

PolicyResult judge_direction(const EvaluatorTable& table, const Connection& connection, Direction direction,
                             TraceRecorder* recorder, std::vector<TraceNode>& trace) {
  TraceRecorder own;
  PolicyResult result;
  for (const auto& family : table.leg) {
    auto one = family->evaluate_leg({&connection, direction}, recorder == nullptr ? nullptr : &own);
    if (one.decision == Decision::NotApplicable) continue;
    result = std::move(one);
    if (refuses(result.decision)) break;
  }
  if (recorder != nullptr) {
    trace = std::move(own.nodes);
    recorder->near_misses.insert(recorder->near_misses.end(), own.near_misses.begin(), own.near_misses.end());
    recorder->assumptions.insert(recorder->assumptions.end(), own.assumptions.begin(), own.assumptions.end());
    recorder->missing_facts.insert(recorder->missing_facts.end(), own.missing_facts.begin(),
                                   own.missing_facts.end());
  }
  return result;
}

/// How much a recorder holds.
struct Extent {
  explicit Extent(const TraceRecorder* r)
      : nodes(r == nullptr ? 0 : r->nodes.size()),
        near_misses(r == nullptr ? 0 : r->near_misses.size()),
        assumptions(r == nullptr ? 0 : r->assumptions.size()),
        missing_facts(r == nullptr ? 0 : r->missing_facts.size()) {}
  std::size_t nodes, near_misses, assumptions, missing_facts;
};

template <class T>
void cut(std::vector<T>& list, std::size_t from, std::size_t to) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(from),
             list.begin() + static_cast<std::ptrdiff_t>(to));
}

/// A family that does not know, with what it told.
struct Open {
  PolicyResult said;
  Extent before, after;

  /// Nothing behind it refuses: the missing fact is all there is to tell.
  void stays(TraceRecorder& r) const {
    cut(r.nodes, after.nodes, r.nodes.size());
    cut(r.near_misses, after.near_misses, r.near_misses.size());
    cut(r.assumptions, after.assumptions, r.assumptions.size());
    cut(r.missing_facts, after.missing_facts, r.missing_facts.size());
  }
  /// The fact is missed no more: either answer ends the request.
  void refused_anyway(TraceRecorder& r) const {
    cut(r.missing_facts, before.missing_facts, r.missing_facts.size());
    r.assumptions.push_back(
        {kAssumeProviderAllows,
         "the provider lets the request go on; otherwise it gives the refusal: " + said.reason.detail,
         {}});
  }
};

}  // namespace

std::vector<const model::ExtensionProvider*> providers_at(const EvaluatorTable& table,
                                                          const PolicyPoint& point) {
  std::vector<const model::ExtensionProvider*> out;
  for (const auto& family : table.hop) {
    const auto more = family->providers_at(point);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

LegDecisions judge_leg(const EvaluatorTable& table, const Connection& connection, TraceRecorder* recorder) {
  LegDecisions out;
  out.egress = judge_direction(table, connection, Direction::Egress, recorder, out.egress_trace);
  out.ingress = judge_direction(table, connection, Direction::Ingress, recorder, out.ingress_trace);
  return out;
}

PolicyResult judge_hop(const EvaluatorTable& table, const PolicyPoint& point, RequestState& request,
                       TraceRecorder* recorder) {
  PolicyResult result;
  std::optional<Open> open;
  request.unsettled = false;
  for (const auto& family : table.hop) {
    const Extent before(recorder);
    auto one = family->evaluate_hop({&point, &request}, recorder);
    if (one.decision == Decision::NotApplicable) continue;
    if (one.decision == Decision::Unknown) {
      if (!open) open = Open{std::move(one), before, Extent(recorder)};
      request.unsettled = true;
      continue;
    }
    result = std::move(one);
    if (!refuses(result.decision)) continue;
    if (open && recorder != nullptr) open->refused_anyway(*recorder);
    return result;
  }
  if (!open) return result;
  if (recorder != nullptr) open->stays(*recorder);
  return std::move(open->said);
}

}  // namespace waypath::sim
