#pragma once
// Which policies an enforcement point has: authorization.md section 2.

#include <algorithm>
#include <vector>

#include "model/cluster.h"
#include "model/istio/security.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

/// Whether a policy with this metadata and attachment is enforced at the point. RequestAuthentication and
/// AuthorizationPolicy alike; ztunnel never gets the former (`to_ztunnel` false).
[[nodiscard]] bool attaches(const model::Cluster& cluster, const model::ObjectMeta& meta,
                            const model::PolicyAttachment& attachment, const PolicyPoint& point);

/// Policies of one kind by namespace: only those of the root namespace, the proxy's and the service's can
/// attach.
template <class Policy>
class PoliciesByNamespace {
 public:
  explicit PoliciesByNamespace(const model::Cluster& cluster) : cluster_(cluster) {
    for (const auto& p : cluster.snapshot().all<Policy>())
      policies_.push_back(p.get());  // sorted by namespace, name
  }
  /// Attached ones, by namespace and name.
  [[nodiscard]] std::vector<const Policy*> at(const PolicyPoint& point) const {
    std::vector<model::Symbol> namespaces{cluster_.mesh().root_namespace, point.ns};
    if (point.service.valid()) namespaces.push_back(cluster_.service(point.service).ns);
    std::sort(namespaces.begin(), namespaces.end(), model::TextLess());
    namespaces.erase(std::unique(namespaces.begin(), namespaces.end()), namespaces.end());
    std::vector<const Policy*> out;
    for (const auto ns : namespaces) {
      const auto first =
          std::lower_bound(policies_.begin(), policies_.end(), ns,
                           [](const Policy* p, model::Symbol n) { return p->meta.key.ns.view() < n.view(); });
      for (auto it = first; it != policies_.end() && (*it)->meta.key.ns == ns; ++it)
        if (attaches(cluster_, (*it)->meta, (*it)->attachment, point)) out.push_back(*it);
    }
    return out;
  }

 private:
  const model::Cluster& cluster_;
  std::vector<const Policy*> policies_;
};

}  // namespace waypath::sim
