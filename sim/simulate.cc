// Stage 7: the policies judge every leg and hop of a path in order; the first refusal decides.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/istio/known_versions.h"
#include "sim/decide.h"
#include "sim/engine.h"
#include "sim/path/path_verdict.h"
#include "sim/reasons/authz.h"
#include "sim/reasons/walk.h"
#include "sim/symptom.h"

namespace waypath::sim {

namespace {

bool refuses(Decision decision) { return decision == Decision::Deny || decision == Decision::Drop; }

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

template <class T>
void append_new(std::vector<T>& to, const std::vector<T>& from) {
  for (const T& item : from) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

std::string hop_title(const Hop& hop) {
  return hop.ns.empty() ? fmt::format("{} {}", to_string(hop.kind), hop.name)
                        : fmt::format("{} {}/{}", to_string(hop.kind), hop.ns, hop.name);
}

/// What policies changed in a request at one hop, so that the next hops see it: headers that ext_authz or a
/// verified token set.
class Carried {
 public:
  void apply(RequestState& request) const {
    for (const auto& [name, value] : headers_) {
      std::erase_if(request.headers, [&, key = name](const auto& h) { return h.first == key; });
      if (value) request.headers.emplace_back(name, *value);
    }
    if (tokens_) request.tokens = *tokens_;
    if (session_) request.session = *session_;
  }
  void learn(const RequestState& before, const RequestState& after) {
    std::map<std::string, std::string> old_headers, new_headers;
    for (const auto& [name, value] : before.headers) old_headers[name] += value + "\n";
    for (const auto& [name, value] : after.headers) new_headers[name] += value + "\n";
    for (const auto& [name, value] : new_headers) {
      const auto it = old_headers.find(name);
      if (it == old_headers.end() || it->second != value) headers_[name] = last_value(after, name);
    }
    for (const auto& [name, value] : old_headers) {
      if (!new_headers.contains(name)) headers_[name] = std::nullopt;
    }
    if (before.tokens.size() != after.tokens.size() || !headers_.empty()) tokens_ = after.tokens;
    if (before.session != after.session) session_ = after.session;
  }
  [[nodiscard]] const std::map<std::string, std::optional<std::string>>& headers() const { return headers_; }

 private:
  static std::string last_value(const RequestState& request, const std::string& name) {
    std::string value;
    for (const auto& [key, text] : request.headers) {
      if (key == name) value = text;
    }
    return value;
  }
  std::map<std::string, std::optional<std::string>> headers_;
  std::optional<std::vector<Token>> tokens_;
  std::optional<Session> session_;
};

class PathJudge {
 public:
  /// `explain`: with everything that `decide` leaves out.
  PathJudge(const Engine& engine, const Path& path, bool explain)
      : engine_(engine), path_(path), explain_(explain) {}

  PathVerdict run() {
    describe();
    judge_lookups();
    for (std::size_t i = 0; i < path_.hops.size(); ++i) {
      if (i > 0 && i - 1 < path_.legs.size()) judge_leg_at(i - 1);
      judge_hop_at(i);
    }
    if (!decided_) end_of_walk();
    if (recorder_.missing_facts.empty() || verdict_.outcome == Outcome::Unknown)
      append_new(verdict_.missing_facts, recorder_.missing_facts);
    append(verdict_.near_misses, recorder_.near_misses);
    append_new(verdict_.assumptions, recorder_.assumptions);
    if (verdict_.outcome == Outcome::Unknown && verdict_.missing_facts.empty())
      verdict_.missing_facts.push_back(verdict_.reason.detail.empty() ? "a fact that a policy compares"
                                                                      : verdict_.reason.detail);
    if (verdict_.outcome != Outcome::Unknown) verdict_.missing_facts.clear();
    if (verdict_.outcome == Outcome::Allow) {
      verdict_.near_misses.clear();
      for (const HopResult& hop : verdict_.hops)
        for (const TraceNode& node : hop.decisions) failed_open(hop, node);
      append_new(verdict_.bypassed, path_.bypassed);
      append_new(verdict_.bypass_causes, path_.bypass_causes);
    }
    return std::move(verdict_);
  }

 private:
  // A provider that did not answer and has failOpen: its CUSTOM policies are passed, but nobody authorized.
  void failed_open(const HopResult& hop, const TraceNode& node) {
    for (const TraceNode& child : node.children) failed_open(hop, child);
    if (node.reason.code != kExtAuthzFailOpen) return;
    append_new(verdict_.bypassed, {fmt::format("{} at {} {}/{}: {}", node.layer, to_string(hop.kind), hop.ns,
                                               hop.name, node.reason.detail)});
    if (node.reason.by) append_new(verdict_.bypass_causes, {*node.reason.by});
  }

  // Everything the verdict shows even when nobody decides: hops, legs, assumptions.
  void describe() {
    verdict_.share = path_.share;
    verdict_.backend = path_.backend;
    verdict_.backend_pod = path_.backend_pod;
    verdict_.backend_request = path_.backend_request;
    append_new(verdict_.assumptions, path_.assumptions);
    append_new(verdict_.notes, path_.notes);
    for (const Hop& hop : path_.hops) {
      HopResult result;
      result.kind = hop.kind;
      result.ns = hop.ns;
      result.name = hop.name;
      if (hop.pod.valid()) result.pod = engine_.cluster().pod(hop.pod).meta.name().str();
      result.seen_peer = hop.seen_peer;
      result.identity = hop.identity;
      if (explain_) result.decisions = hop.facts;
      verdict_.hops.push_back(std::move(result));
    }
    for (const Leg& leg : path_.legs) verdict_.legs.push_back(describe_leg(leg));
  }

  [[nodiscard]] LegResult describe_leg(const Leg& leg) const {
    LegResult result;
    result.from = leg.from;
    result.to = leg.to;
    result.transport = leg.transport;
    result.protocol = std::string(model::to_string(leg.connection.protocol));
    result.wire_port = leg.connection.port;
    result.inner_port = leg.inner_port;
    result.source = address_text(leg.connection.source);
    result.destination = address_text(leg.connection.destination);
    if (leg.possible_sources.size() > 1) result.source = "?";
    return result;
  }

  static std::string address_text(const NetPeer& peer) {
    if (peer.address) return peer.address->to_string();
    return peer.domain.empty() ? "?" : peer.domain;
  }

  // ---- legs ----

  struct LegOutcome {
    Decision decision = Decision::NotApplicable;
    PolicyResult by;
  };

  /// A refusal on either side is certain whatever the other side says; Unknown matters only when nothing
  /// refuses.
  static LegOutcome combine(const LegDecisions& d) {
    if (refuses(d.egress.decision)) return {d.egress.decision, d.egress};
    if (refuses(d.ingress.decision)) return {d.ingress.decision, d.ingress};
    if (d.egress.decision == Decision::Unknown) return {Decision::Unknown, d.egress};
    if (d.ingress.decision == Decision::Unknown) return {Decision::Unknown, d.ingress};
    const bool allowed = d.egress.decision == Decision::Allow || d.ingress.decision == Decision::Allow;
    return {allowed ? Decision::Allow : Decision::NotApplicable,
            d.ingress.decision == Decision::Allow ? d.ingress : d.egress};
  }

  void judge_leg_at(std::size_t index) {
    const Leg& leg = path_.legs[index];
    LegResult& result = verdict_.legs[index];
    if (!leg.on_wire || decided_) return;
    LegDecisions decisions = judge_leg(engine_.policies(), leg.connection, explain_ ? &recorder_ : nullptr);
    LegOutcome outcome = combine(decisions);
    // The source is rewritten to one of several addresses: all must lead to the same answer.
    for (std::size_t i = 1; i < leg.possible_sources.size(); ++i) {
      Connection other = leg.connection;
      other.source = leg.possible_sources[i];
      const LegOutcome again = combine(judge_leg(engine_.policies(), other, nullptr));
      if (refuses(again.decision) == refuses(outcome.decision) && again.decision != Decision::Unknown)
        continue;
      outcome.decision = Decision::Unknown;
      outcome.by.reason.code = kFactMissing;
      recorder_.missing_facts.push_back(fmt::format(
          "which of the node addresses the connection comes from: {} and {} are treated differently",
          address_text(leg.connection.source), address_text(other.source)));
      break;
    }
    result.egress = std::move(decisions.egress_trace);
    result.ingress = std::move(decisions.ingress_trace);
    result.decision = outcome.decision;
    result.dropped = outcome.decision == Decision::Drop;
    if (outcome.decision == Decision::Allow) {
      append_new(allowed_by_, decisions.egress.deciders);
      append_new(allowed_by_, decisions.ingress.deciders);
    }
    if (outcome.decision == Decision::Unknown) return decide_unknown(outcome.by.reason, {}, index);
    if (!refuses(outcome.decision)) return;
    Failure failure;
    failure.kind = outcome.decision == Decision::Drop ? Failure::Kind::Drop : Failure::Kind::Reject;
    verdict_.decided_at_leg = index;
    decide(outcome.decision == Decision::Drop ? Outcome::Timeout : Outcome::Deny, outcome.by.reason,
           outcome.by.deciders, failure, leg.from, leg.transport);
  }

  // ---- hops ----

  void judge_hop_at(std::size_t index) {
    const Hop& hop = path_.hops[index];
    if (decided_ || !hop.point) return;
    HopResult& result = verdict_.hops[index];
    RequestState request = hop.request;
    carried_.apply(request);
    judge_calls(hop, request);
    const RequestState before = request;
    const std::size_t traces = recorder_.nodes.size();
    // What an Envoy's filters say holds what was passed because a provider failed (failed_open).
    const bool explain = explain_ || hop.point->kind != PolicyPoint::Kind::Ztunnel;
    const PolicyResult said =
        judge_hop(engine_.policies(), *hop.point, request, explain ? &recorder_ : nullptr);
    result.decision = said.decision;
    show_calls(hop, index, traces);
    take_notes(traces);
    std::move(recorder_.nodes.begin() + static_cast<std::ptrdiff_t>(traces), recorder_.nodes.end(),
              std::back_inserter(result.decisions));
    recorder_.nodes.resize(traces);
    carried_.learn(before, request);
    if (said.decision == Decision::Allow) {
      append_new(allowed_by_, said.deciders);
      allow_reason_ = said.reason;
    }
    if (said.decision == Decision::Unknown) return decide_unknown(said.reason, index, {});
    if (!refuses(said.decision)) return;
    Failure failure;
    verdict_.decided_at_hop = index;
    if (said.status != 0) {
      failure.kind = Failure::Kind::Answer;
      failure.status = said.status;
      failure.redirect = said.redirect;
      if (!said.immediate) failure.delay = said.delay;
      verdict_.response.redirect = said.redirect;
      return decide(Outcome::Deny, said.reason, said.deciders, failure, index, Transport::InPod);
    }
    failure.kind = Failure::Kind::Refuse;
    failure.log = refusal_log(hop, said);
    const std::size_t sender = index == 0 ? 0 : index - 1;
    const Transport transport = index == 0 ? Transport::InPod : path_.legs[index - 1].transport;
    decide(said.decision == Decision::Drop ? Outcome::Timeout : Outcome::Deny, said.reason, said.deciders,
           failure, sender, transport);
  }

  // Policies that are not what they seem at this hop are notes of the path, not decisions.
  void take_notes(std::size_t first) {
    const auto begin = recorder_.nodes.begin() + static_cast<std::ptrdiff_t>(first);
    const auto notes = std::stable_partition(
        begin, recorder_.nodes.end(), [](const TraceNode& n) { return n.reason.code != kAuthzNotAsWritten; });
    for (auto it = notes; it != recorder_.nodes.end(); ++it)
      append_new(verdict_.notes, std::vector<std::string>{it->reason.detail});
    recorder_.nodes.erase(notes, recorder_.nodes.end());
  }

  // F9 to F13. Source: istio/ztunnel src/proxy.rs Error, src/state.rs assert_rbac.
  static std::string refusal_log(const Hop& hop, const PolicyResult& said) {
    if (hop.point->kind != PolicyPoint::Kind::Ztunnel) return {};
    const std::string who = fmt::format(
        "destination ztunnel ({}/{}): connection closed due to policy rejection: ", hop.ns, hop.name);
    if (said.reason.by && said.deciders.size() == 1 &&
        said.reason.code.text.find("NO_ALLOW") == std::string_view::npos)
      return who + fmt::format("explicitly denied by: {}/{}", said.reason.by->key.ns.view(),
                               said.reason.by->key.name.view());
    return who + "allow policies exist, but none allowed";
  }

  // ---- calls beside the request ----

  void judge_calls(const Hop& hop, RequestState& request) {
    calls_.clear();
    for (const auto& call : hop.providers) {
      const PathVerdict& verdict = calls_.emplace_back(PathJudge(engine_, call->path, explain_).run());
      const auto known = request.providers.find(call->name);
      if (known != request.providers.end()) {
        if (known->second.outcome != verdict.outcome) {
          known->second.outcome = Outcome::Unknown;
          known->second.reason = {kFactMissing, std::nullopt,
                                  "endpoints of the provider are not treated alike"};
        }
        continue;
      }
      RequestState::Reachability reach;
      reach.outcome = verdict.outcome;
      reach.reason = verdict.reason;
      reach.deciders = verdict.deciders;
      // F30: a refused connection fails at once, a dropped one when the connection attempt gives up.
      if (verdict.outcome == Outcome::Timeout)
        reach.delay = "after " + engine_.cluster().mesh().connect_timeout;
      if (verdict.outcome == Outcome::Unknown) append_new(recorder_.missing_facts, verdict.missing_facts);
      request.providers.emplace(call->name, std::move(reach));
    }
  }

  /// The wire legs of calls that were made (a CUSTOM rule matched), behind the request's own legs.
  void show_calls(const Hop& hop, std::size_t index, std::size_t first_trace) {
    const bool made = std::any_of(recorder_.nodes.begin() + static_cast<std::ptrdiff_t>(first_trace),
                                  recorder_.nodes.end(), [](const TraceNode& node) {
                                    return node.layer.find("CUSTOM") != std::string::npos &&
                                           node.decision != Decision::NotApplicable;
                                  });
    if (!made) return;
    for (std::size_t i = 0; i < calls_.size() && i < hop.providers.size(); ++i) {
      add_auxiliary(calls_[i], index, hop.providers[i]->purpose);
      append_new(verdict_.assumptions, calls_[i].assumptions);
      if (calls_[i].outcome != Outcome::Allow) append(verdict_.near_misses, calls_[i].near_misses);
    }
  }

  void add_auxiliary(const PathVerdict& call, std::size_t hop, const std::string& purpose) {
    for (LegResult leg : call.legs) {
      if (leg.transport == Transport::InPod || leg.auxiliary) continue;
      if (leg.to < call.hops.size()) {
        const HopResult& to = call.hops[leg.to];
        leg.destination += fmt::format(" ({}/{})", to.ns, to.pod.empty() ? to.name : to.pod);
      }
      leg.from = leg.to = hop;
      leg.auxiliary = true;
      leg.purpose = purpose;
      verdict_.legs.push_back(std::move(leg));
    }
  }

  void judge_lookups() {
    std::optional<PathVerdict> worst;
    for (const auto& call : path_.lookups) {
      PathVerdict verdict = PathJudge(engine_, call->path, explain_).run();
      add_auxiliary(verdict, 0, call->purpose);
      if (!worst || (worst->outcome == Outcome::Allow && verdict.outcome != Outcome::Allow))
        worst = std::move(verdict);
    }
    if (!worst || worst->outcome == Outcome::Allow) return;
    append(verdict_.near_misses, worst->near_misses);
    if (worst->outcome == Outcome::Unknown) {
      append_new(verdict_.missing_facts, worst->missing_facts);
      return decide_unknown(worst->reason, 0, {});
    }
    Failure failure;
    failure.kind = Failure::Kind::NameBlocked;
    Reason reason = worst->reason;
    reason.detail = fmt::format("the name cannot be resolved: {}", reason.detail);
    verdict_.decided_at_hop = 0;
    decide(worst->outcome, std::move(reason), worst->deciders, failure, 0, Transport::Plaintext);
  }

  // ---- ends ----

  void end_of_walk() {
    const PathEnd& end = path_.end;
    switch (end.outcome) {
      case Outcome::Allow:
        decided_ = true;
        verdict_.outcome = Outcome::Allow;
        verdict_.response = end.response;
        verdict_.reason = end.reason;
        verdict_.deciders = allowed_by_;
        append_new(verdict_.deciders, end.deciders);
        append_new(verdict_.deciders, path_.deciders);
        if (end.response.status != 0) {
          verdict_.symptom = end.response.redirect.empty()
                                 ? fmt::format("http {}", end.response.status)
                                 : fmt::format("http {} {}", end.response.status, end.response.redirect);
          return;
        }
        if (allow_reason_ && allow_reason_->by) {
          verdict_.reason.by = allow_reason_->by;
          verdict_.reason.detail = allow_reason_->detail;
        }
        verdict_.symptom = kReachesAppText;
        carry_to_backend();
        return;
      case Outcome::Unknown:
        append_new(verdict_.missing_facts, end.missing_facts);
        return decide_unknown(end.reason, path_.hops.size() - 1, {});
      case Outcome::Deny:
      case Outcome::Timeout:
      case Outcome::Unreachable:
        break;
    }
    verdict_.decided_at_hop = path_.hops.size() - 1;
    // The other end of the last leg refuses, or the last hop itself has nowhere to go.
    const bool by_peer = end.failure.kind == Failure::Kind::NotListening ||
                         end.failure.kind == Failure::Kind::Refuse ||
                         end.failure.kind == Failure::Kind::Closed;
    const std::size_t last = path_.hops.size() - 1;
    const bool peer_hop = by_peer && last > 0 && path_.legs.size() == last;
    decide(end.outcome, end.reason, end.deciders, end.failure, peer_hop ? last - 1 : last,
           peer_hop ? path_.legs[last - 1].transport : Transport::Plaintext);
  }

  // Headers that policies set on the way are part of what the application receives.
  void carry_to_backend() {
    if (!verdict_.backend_request) return;
    for (const auto& [name, value] : carried_.headers()) {
      if (value) {
        verdict_.backend_request->headers.emplace_back(name, *value);
      } else {
        verdict_.backend_request->removed_headers.push_back(name);
      }
    }
  }

  void decide(Outcome outcome, Reason reason, std::vector<ObjectAt> deciders, const Failure& failure,
              std::size_t sender, Transport transport) {
    decided_ = true;
    verdict_.outcome = outcome;
    verdict_.reason = std::move(reason);
    verdict_.deciders = std::move(deciders);
    if (verdict_.deciders.empty() && verdict_.reason.by) verdict_.deciders.push_back(*verdict_.reason.by);
    FailurePlace place;
    for (const Hop& hop : path_.hops)
      place.hops.push_back({hop.kind, hop.answers_http, hop.connect_attempts, hop_title(hop)});
    place.sender = sender;
    place.transport = transport;
    place.connect_timeout = engine_.cluster().mesh().connect_timeout;
    place.hint_hbone = engine_.cluster().profile().has(model::Feature::HboneTimeoutHint);
    place.source_captured = path_.hops[sender].kind == HopKind::Ztunnel;
    Symptom symptom = symptom_of(failure, place);
    verdict_.symptom = std::move(symptom.text);
    verdict_.response.status = symptom.status;
    append_new(verdict_.notes, symptom.notes);
  }

  void decide_unknown(Reason reason, std::optional<std::size_t> hop, std::optional<std::size_t> leg) {
    decided_ = true;
    verdict_.outcome = Outcome::Unknown;
    verdict_.reason = std::move(reason);
    if (verdict_.reason.code.text.empty()) verdict_.reason.code = kFactMissing;
    verdict_.decided_at_hop = hop;
    verdict_.decided_at_leg = leg;
    verdict_.symptom = "unknown";
  }

  const Engine& engine_;
  const Path& path_;
  bool explain_;
  PathVerdict verdict_;
  TraceRecorder recorder_;
  Carried carried_;
  std::vector<PathVerdict> calls_;
  std::vector<ObjectAt> allowed_by_;
  std::optional<Reason> allow_reason_;
  bool decided_ = false;
};

// Facts of the cluster that every verdict rests on.
void add_common_assumptions(const model::Cluster& cluster, PathVerdict& verdict) {
  const model::IstioVersion version = cluster.profile().version();
  if (cluster.version_origin() == model::Cluster::VersionOrigin::Assumed) {
    verdict.assumptions.push_back(
        {kAssumeVersion, fmt::format("Istio {}: the manifests name no version", version.str()), {}});
  } else if (const auto known = model::nearest_known_version(version); known != version) {
    verdict.assumptions.push_back(
        {kAssumeVersion,
         fmt::format("Istio {} is not known here: the rules of {} are used", version.str(), known.str()),
         {}});
  }
  if (!cluster.mesh().given) {
    verdict.assumptions.push_back(
        {kAssumeMeshConfig, "mesh config has its defaults: no ConfigMap istio is given", {}});
  }
}

// Refusals before allows, unknown before allows: a flow that fails on some way is not allowed.
int gravity(Outcome outcome) {
  switch (outcome) {
    case Outcome::Allow:
      return 0;
    case Outcome::Unknown:
      return 1;
    case Outcome::Unreachable:
    case Outcome::Timeout:
    case Outcome::Deny:
      return 2;
  }
  return 2;
}

Verdict verdict_on(const Engine& engine, const Flow& flow, const Assume& assume, bool explain,
                   model::Diagnostics& diagnostics) {
  Verdict verdict;
  verdict.from = flow.from;
  verdict.to = flow.to;
  verdict.istio_version = engine.cluster().profile().version().str();
  const std::vector<Path> paths = build_paths(engine, flow, assume, diagnostics);
  // From here on: hops, legs and identities are fixed; policies judge them, never change them.
  for (const Path& path : paths) {
    verdict.paths.push_back(PathJudge(engine, path, explain).run());
    add_common_assumptions(engine.cluster(), verdict.paths.back());
  }
  if (verdict.paths.empty()) {
    PathVerdict none;
    none.reason.code = kFlowInvalid;
    none.symptom = "unknown";
    none.missing_facts.push_back("a flow that can be read: see the diagnostics");
    verdict.paths.push_back(std::move(none));
  }
  const PathVerdict* worst = &verdict.paths.front();
  for (const PathVerdict& path : verdict.paths) {
    if (path.outcome != verdict.paths.front().outcome) verdict.split = true;
    if (gravity(path.outcome) > gravity(worst->outcome)) worst = &path;
  }
  verdict.outcome = worst->outcome;
  verdict.symptom = worst->symptom;
  return verdict;
}

}  // namespace

PathVerdict judge_path(const Engine& engine, const Path& path) { return PathJudge(engine, path, true).run(); }

Verdict simulate(const Engine& engine, const Flow& flow, const Assume& assume,
                 model::Diagnostics& diagnostics) {
  return verdict_on(engine, flow, assume, true, diagnostics);
}

Verdict decide(const Engine& engine, const Flow& flow, const Assume& assume,
               model::Diagnostics& diagnostics) {
  return verdict_on(engine, flow, assume, false, diagnostics);
}

}  // namespace waypath::sim
