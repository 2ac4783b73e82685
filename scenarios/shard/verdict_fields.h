#pragma once
// The fields of a verdict and of a plan, for scenarios/shard/archive.h.

#include "scenarios/expectation.h"
#include "scenarios/plan.h"
#include "scenarios/shard/archive.h"
#include "sim/verdict.h"

namespace waypath::model {

template <class A>
void fields(A& a, scenarios::Of<A, ResourceKey> k) {
  a(k.kind, k.group, k.ns, k.name);
}

}  // namespace waypath::model

namespace waypath::sim {

using scenarios::Of;

template <class A>
void fields(A& a, Of<A, ObjectAt> o) {
  a(o.key, o.pos, o.rule, o.section);
}
template <class A>
void fields(A& a, Of<A, Reason> r) {
  a(r.code, r.by, r.detail);
}
template <class A>
void fields(A& a, Of<A, TraceNode> n) {
  a(n.layer, n.decision, n.reason, n.children);
}
template <class A>
void fields(A& a, Of<A, Assumption> x) {
  a(x.code, x.detail, x.pos);
}
template <class A>
void fields(A& a, Of<A, NearMiss> m) {
  a(m.object, m.detail);
}
template <class A>
void fields(A& a, Of<A, PeerIdentity> i) {
  a(i.principal, i.ns, i.service_account);
}
template <class A>
void fields(A& a, Of<A, HopResult> h) {
  a(h.kind, h.ns, h.name, h.pod, h.seen_peer, h.identity, h.decision, h.decisions);
}
template <class A>
void fields(A& a, Of<A, LegResult> l) {
  a(l.from, l.to, l.transport, l.protocol, l.source, l.destination, l.wire_port, l.inner_port, l.auxiliary,
    l.purpose, l.decision, l.egress, l.ingress, l.dropped);
}
template <class A>
void fields(A& a, Of<A, Response> r) {
  a(r.status, r.redirect, r.answered_by);
}
template <class A>
void fields(A& a, Of<A, BackendRequest> r) {
  a(r.host, r.path, r.headers, r.removed_headers, r.port);
}
template <class A>
void fields(A& a, Of<A, PathVerdict> p) {
  a(p.outcome, p.symptom, p.share, p.reason, p.deciders, p.decided_at_hop, p.decided_at_leg, p.hops, p.legs,
    p.response, p.backend_request, p.backend, p.backend_pod, p.bypassed, p.bypass_causes, p.assumptions,
    p.near_misses, p.missing_facts, p.notes);
}
template <class A>
void fields(A& a, Of<A, Verdict> v) {
  a(v.from, v.to, v.outcome, v.symptom, v.split, v.paths, v.istio_version);
}
/// What reports print of a flow.
template <class A>
void fields(A& a, Of<A, Flow> f) {
  a(f.name, f.from, f.to, f.method, f.sni, f.connect_to, f.tunnel);
}

}  // namespace waypath::sim

namespace waypath::scenarios {

/// Not the places: they stand in the scenario's own file, whose place a case tells.
template <class A>
void fields(A& a, Of<A, Expectation::Leg> l) {
  a(l.from, l.to, l.transport, l.port);
}
template <class A>
void fields(A& a, Of<A, Expectation> e) {
  a(e.outcome, e.symptom, e.reason, e.identity, e.backend, e.by, e.via, e.not_via, e.legs, e.bypassed,
    e.bypassed_text, e.rule);
}
template <class A>
void fields(A& a, Of<A, Mismatch> m) {
  a(m.part, m.expected, m.predicted);
}
template <class A>
void fields(A& a, Of<A, FlowState> s) {
  a(s.outcome, s.symptom, s.reason, s.backend, s.by, s.enforced, s.bypassed);
}
template <class A>
void fields(A& a, Of<A, ChangedObject> o) {
  a(o.how, o.object, o.place);
}
template <class A>
void fields(A& a, Of<A, FlowChange> c) {
  a(c.flow, c.kind, c.before, c.after, c.loses_enforcement, c.causes);
}
template <class A>
void fields(A& a, Of<A, Plan> p) {
  a(p.objects, p.changes, p.compared, p.unchanged, p.only_before, p.only_after);
}

}  // namespace waypath::scenarios
