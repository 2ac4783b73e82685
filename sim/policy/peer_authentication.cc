// PeerAuthentication at sidecars (transport) and as the DENY policies that istiod makes of it for ztunnel:
// authorization.md section 11.

#include <algorithm>
#include <optional>
#include <tuple>

#include "sim/policy/families.h"
#include "sim/reason_codes_authz.h"

namespace waypath::sim {
namespace {

using model::Feature;
using model::MtlsMode;
using model::PeerAuthentication;

struct Effective {
  MtlsMode mode = MtlsMode::Permissive;
  const PeerAuthentication* by = nullptr;
  model::SourcePos pos;
};

class PeerAuthentications final : public PolicyEvaluator {
 public:
  explicit PeerAuthentications(ClusterPtr cluster) : cluster_(std::move(cluster)) {}
  [[nodiscard]] std::string_view name() const override { return "PeerAuthentication"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    const auto& point = *context.point;
    const auto& request = *context.request;
    if (point.kind != PolicyPoint::Kind::Ztunnel && point.kind != PolicyPoint::Kind::Sidecar) return {};
    const auto effective = effective_mode(point, request.port);
    if (effective.by == nullptr || effective.mode != MtlsMode::Strict) return {};
    PolicyResult r;
    const ObjectAt at = object_of(effective.by->meta, effective.pos);
    r.decision = request.peer.present() ? Decision::Allow : Decision::Deny;
    r.reason = {point.kind == PolicyPoint::Kind::Ztunnel ? kZtunnelStrictPlaintext : kSidecarStrictPlaintext,
                at,
                request.peer.present() ? "STRICT: the peer is " + request.peer.principal
                                       : "STRICT: the connection carries no mesh identity"};
    r.deciders.push_back(at);
    if (recorder != nullptr) recorder->nodes.push_back({"PeerAuthentication", r.decision, r.reason, {}});
    return r;
  }

 private:
  // One policy for each scope: the oldest. Source: istio pilot/pkg/security/authn/policy_applier.go
  // ComposePeerAuthentication
  [[nodiscard]] Effective effective_mode(const PolicyPoint& point, std::uint16_t port) const {
    const PeerAuthentication *mesh = nullptr, *ns = nullptr, *workload = nullptr;
    const auto older = [](const PeerAuthentication* current, const PeerAuthentication* next) {
      if (current == nullptr) return true;
      const auto rank = [](const PeerAuthentication* p) {
        return std::tuple(p->meta.creation_timestamp.empty(), std::string_view(p->meta.creation_timestamp),
                          p->meta.key.name.view());
      };
      return rank(next) < rank(current);
    };
    const auto root = cluster_->mesh().root_namespace;
    for (const auto& p : cluster_->snapshot().all<PeerAuthentication>()) {
      const bool selects = p->selector && !p->selector->empty();
      if (!selects) {
        if (p->meta.key.ns == root && older(mesh, p.get())) mesh = p.get();
        if (p->meta.key.ns == point.ns && point.ns != root && older(ns, p.get())) ns = p.get();
      } else if (p->meta.key.ns == point.ns && p->meta.key.ns != root && p->selector->matches(point.labels) &&
                 older(workload, p.get())) {
        workload = p.get();
      }
    }
    Effective out;
    for (const auto* p : {mesh, ns, workload}) {
      if (p == nullptr || p->mode == MtlsMode::Unset) continue;
      out = {p->mode, p, p->mode_pos};
    }
    if (workload == nullptr) return out;
    const auto it = std::find_if(workload->port_level.begin(), workload->port_level.end(),
                                 [&](const auto& e) { return e.first == port; });
    if (it == workload->port_level.end() || it->second == MtlsMode::Unset) return out;
    if (point.kind == PolicyPoint::Kind::Sidecar) return {it->second, workload, workload->meta.pos};
    return ztunnel_port(out, *workload, it->second, mesh, ns);
  }

  // istiod's conversion for ztunnel and its slips. Source: istio ambient/authorization.go
  // convertPeerAuthentication
  [[nodiscard]] Effective ztunnel_port(const Effective& inherited, const PeerAuthentication& workload,
                                       MtlsMode port_mode, const PeerAuthentication* mesh,
                                       const PeerAuthentication* ns) const {
    const bool ns_unset = ns == nullptr || ns->mode == MtlsMode::Unset;
    const bool mesh_strict = mesh != nullptr && mesh->mode == MtlsMode::Strict;
    const bool loose = workload.mode == MtlsMode::Permissive || workload.mode == MtlsMode::Disable;
    if (port_mode == MtlsMode::Strict && loose && ns_unset && mesh_strict)
      return {MtlsMode::Permissive, &workload, workload.meta.pos};
    if (port_mode == MtlsMode::Disable && workload.mode == MtlsMode::Unset &&
        inherited.mode == MtlsMode::Strict)
      return inherited;
    return {port_mode, &workload, workload.meta.pos};
  }

  ClusterPtr cluster_;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_peer_authentication(ClusterPtr cluster) {
  return std::make_unique<const PeerAuthentications>(std::move(cluster));
}

}  // namespace waypath::sim
