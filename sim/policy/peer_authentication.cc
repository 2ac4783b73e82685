// PeerAuthentication at sidecars (transport) and as the DENY policies that istiod makes of it for ztunnel:
// authorization.md section 11.

#include "sim/policy/peer_authentication.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "sim/policy/families.h"
#include "sim/reasons/authz.h"

namespace waypath::sim {
namespace {

using model::Feature;
using model::MtlsMode;
using model::PeerAuthentication;

struct Effective {
  MtlsMode mode = MtlsMode::Permissive;
  const PeerAuthentication* by = nullptr;
  model::SourcePos pos;
  bool slipped = false;  // asks for STRICT, and ztunnel does not get the rule
};

/// The policies of one workload, one for each scope.
struct Scopes {
  const PeerAuthentication* mesh = nullptr;
  const PeerAuthentication* ns = nullptr;
  const PeerAuthentication* workload = nullptr;
};

bool has_selector(const PeerAuthentication& p) { return p.selector && !p.selector->empty(); }

bool has_port(const PeerAuthentication& p, MtlsMode mode) {
  return std::any_of(p.port_level.begin(), p.port_level.end(),
                     [&](const auto& e) { return e.second == mode; });
}

class PeerAuthentications final : public PolicyEvaluator {
 public:
  explicit PeerAuthentications(ClusterPtr cluster) : cluster_(std::move(cluster)) {
    const auto root = cluster_->mesh().root_namespace;
    for (const auto& p : cluster_->snapshot().all<PeerAuthentication>()) {
      auto& scope = by_namespace_[p->meta.key.ns];
      if (!has_selector(*p)) {
        if (scope.whole == nullptr || older(*p, *scope.whole)) scope.whole = p.get();
      } else if (p->meta.key.ns != root) {  // a selector in the root namespace is ignored
        scope.selecting.push_back(p.get());
      }
    }
    for (auto& [ns, scope] : by_namespace_)
      std::stable_sort(scope.selecting.begin(), scope.selecting.end(),
                       [](const auto* a, const auto* b) { return older(*a, *b); });
    if (const auto it = by_namespace_.find(root); it != by_namespace_.end()) mesh_ = it->second.whole;
  }
  [[nodiscard]] std::string_view name() const override { return "PeerAuthentication"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    const auto& point = *context.point;
    const auto& request = *context.request;
    if (point.kind != PolicyPoint::Kind::Ztunnel && point.kind != PolicyPoint::Kind::Sidecar) return {};
    const auto effective = effective_mode(point, request.port);
    if (effective.by == nullptr) return {};
    const ObjectAt at = object_of(effective.by->meta, effective.pos);
    PolicyResult r;
    if (effective.mode != MtlsMode::Strict) {
      if (effective.slipped && !request.peer.present() && recorder != nullptr)
        recorder->nodes.push_back(
            {"PeerAuthentication",
             Decision::NotApplicable,
             {kPeerAuthnPortSlip, at,
              "port " + std::to_string(request.port) + " is STRICT here, and ztunnel is not told"},
             {}});
      return r;
    }
    const bool refused = !request.peer.present();
    r.decision = refused ? Decision::Deny : Decision::Allow;
    r.reason.code = !refused                                   ? kPeerAuthnStrict
                    : point.kind == PolicyPoint::Kind::Ztunnel ? kZtunnelStrictPlaintext
                                                               : kSidecarStrictPlaintext;
    r.reason.by = at;
    if (recorder == nullptr) return r;
    r.reason.detail = refused ? "STRICT: the connection carries no mesh identity"
                              : "STRICT: the peer is " + request.peer.principal;
    if (refused) r.deciders.push_back(at);
    recorder->nodes.push_back({"PeerAuthentication", r.decision, r.reason, {}});
    return r;
  }

 private:
  struct InNamespace {
    const PeerAuthentication* whole = nullptr;
    std::vector<const PeerAuthentication*> selecting;  // oldest first
  };

  [[nodiscard]] Scopes scopes_of(const PolicyPoint& point) const {
    Scopes out;
    out.mesh = mesh_;
    const auto it = by_namespace_.find(point.ns);
    if (it == by_namespace_.end()) return out;
    if (point.ns != cluster_->mesh().root_namespace) out.ns = it->second.whole;
    for (const auto* p : it->second.selecting)
      if (p->selector->matches(point.labels)) {
        out.workload = p;
        break;
      }
    return out;
  }

  [[nodiscard]] Effective effective_mode(const PolicyPoint& point, std::uint16_t port) const {
    const Scopes scopes = scopes_of(point);
    Effective out;
    for (const auto* p : {scopes.mesh, scopes.ns, scopes.workload})
      if (p != nullptr && p->mode != MtlsMode::Unset) out = {p->mode, p, p->mode_pos, false};
    if (scopes.workload == nullptr) return out;
    if (point.kind == PolicyPoint::Kind::Ztunnel && never_written(out, scopes))
      return {MtlsMode::Permissive, scopes.workload, scopes.workload->meta.pos, true};
    const auto& levels = scopes.workload->port_level;
    const auto it =
        std::find_if(levels.begin(), levels.end(), [&](const auto& e) { return e.first == port; });
    if (it == levels.end() || it->second == MtlsMode::Unset) return out;
    if (point.kind == PolicyPoint::Kind::Sidecar)
      return {it->second, scopes.workload, scopes.workload->meta.pos, false};
    return ztunnel_port(out, scopes, it->second);
  }

  // An exception from the mesh's STRICT is written as a policy of its own, which the pod refers to in place
  // of STRICT. Where the namespace has a policy without a mode it is not written: the pod refers to nothing,
  // on every port. Source: istio pilot/pkg/serviceregistry/ambient/authorization.go
  // convertPeerAuthentication, convertedSelectorPeerAuthentications; istio/ztunnel src/state.rs assert_rbac
  // (unknown policies are skipped)
  [[nodiscard]] bool never_written(const Effective& whole, const Scopes& scopes) const {
    return whole.mode == MtlsMode::Strict && scopes.workload->mode == MtlsMode::Unset &&
           scopes.ns != nullptr && scopes.ns->mode == MtlsMode::Unset &&
           has_port(*scopes.workload, MtlsMode::Permissive) &&
           cluster_->profile().has(Feature::PeerAuthenticationPortMergeFixed);
  }

  // istiod's conversion for ztunnel and its slips. Source: istio ambient/authorization.go
  // convertPeerAuthentication, policies.go
  [[nodiscard]] Effective ztunnel_port(const Effective& whole, const Scopes& scopes, MtlsMode port) const {
    const PeerAuthentication& workload = *scopes.workload;
    const auto& profile = cluster_->profile();
    const Effective strict{MtlsMode::Strict, &workload, workload.meta.pos, false},
        open{MtlsMode::Permissive, &workload, workload.meta.pos, false},
        slipped{MtlsMode::Permissive, &workload, workload.meta.pos, true};
    if (port == MtlsMode::Strict) {
      if (whole.mode == MtlsMode::Strict) return strict;
      // Under an own PERMISSIVE or DISABLE, a STRICT mesh and no mode of the namespace the port's rule is
      // skipped as if it were inherited.
      const bool ns_unset = scopes.ns == nullptr || scopes.ns->mode == MtlsMode::Unset;
      if (workload.mode != MtlsMode::Unset && ns_unset && scopes.mesh != nullptr &&
          scopes.mesh->mode == MtlsMode::Strict)
        return slipped;
      const auto strict_ports = std::count_if(workload.port_level.begin(), workload.port_level.end(),
                                              [](const auto& e) { return e.second == MtlsMode::Strict; });
      if (strict_ports > 1 && !profile.has(Feature::PeerAuthenticationPortsOred)) return slipped;
      return strict;
    }
    if (whole.mode != MtlsMode::Strict || workload.mode == MtlsMode::Strict) return open;
    // An inherited STRICT is merged with the exceptions when one of them is PERMISSIVE; DISABLE alone is
    // overlooked.
    if (!profile.has(Feature::PeerAuthenticationPortMergeFixed) || !has_port(workload, MtlsMode::Permissive))
      return whole;
    return open;
  }

  ClusterPtr cluster_;
  const PeerAuthentication* mesh_ = nullptr;
  std::unordered_map<model::Symbol, InNamespace> by_namespace_;
};

}  // namespace

model::MtlsMode sidecar_mtls_mode(const model::Cluster& cluster, const model::Pod& pod, std::uint16_t port) {
  const auto root = cluster.mesh().root_namespace;
  Scopes scopes;
  const auto take = [](const PeerAuthentication*& slot, const PeerAuthentication* p) {
    if (slot == nullptr || older(*p, *slot)) slot = p;
  };
  for (const auto& p : cluster.snapshot().all<PeerAuthentication>()) {
    if (!has_selector(*p)) {
      if (p->meta.key.ns == root) take(scopes.mesh, p.get());
      if (p->meta.key.ns == pod.meta.ns() && pod.meta.ns() != root) take(scopes.ns, p.get());
    } else if (p->meta.key.ns == pod.meta.ns() && pod.meta.ns() != root &&
               p->selector->matches(pod.meta.labels)) {
      take(scopes.workload, p.get());
    }
  }
  MtlsMode mode = MtlsMode::Permissive;
  for (const auto* p : {scopes.mesh, scopes.ns, scopes.workload})
    if (p != nullptr && p->mode != MtlsMode::Unset) mode = p->mode;
  if (scopes.workload == nullptr) return mode;
  for (const auto& [number, level] : scopes.workload->port_level)
    if (number == port && level != MtlsMode::Unset) mode = level;
  return mode;
}

model::MtlsMode namespace_mtls_mode(const model::Cluster& cluster, model::Symbol ns) {
  const auto root = cluster.mesh().root_namespace;
  const PeerAuthentication *mesh = nullptr, *own = nullptr;
  for (const auto& p : cluster.snapshot().all<PeerAuthentication>()) {
    if (has_selector(*p)) continue;
    if (p->meta.key.ns == root && (mesh == nullptr || older(*p, *mesh))) mesh = p.get();
    if (p->meta.key.ns == ns && (own == nullptr || older(*p, *own))) own = p.get();
  }
  for (const auto* p : {own, mesh})
    if (p != nullptr && p->mode != MtlsMode::Unset) return p->mode;
  return MtlsMode::Permissive;
}

// Source: istio pilot/pkg/security/authn/policy_applier.go ComposePeerAuthentication
bool older(const model::PeerAuthentication& a, const model::PeerAuthentication& b) {
  const auto rank = [](const model::PeerAuthentication& p) {
    return std::tuple(p.meta.creation_timestamp.empty(), std::string_view(p.meta.creation_timestamp),
                      p.meta.key.name.view());
  };
  return rank(a) < rank(b);
}

std::unique_ptr<const PolicyEvaluator> compile_peer_authentication(ClusterPtr cluster) {
  return std::make_unique<const PeerAuthentications>(std::move(cluster));
}

}  // namespace waypath::sim
