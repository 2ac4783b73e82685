// PeerAuthentication: the mode that holds for each pod of its scope.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/policy/families.h"
#include "sim/reach/classes.h"
#include "tools/waypath/explain_object.h"

namespace waypath::tools {

namespace {

using Item = ObjectExplanation::Item;
using Section = ObjectExplanation::Section;
using sim::LintContext;

std::string mode_text(bool strict) { return strict ? "STRICT: plaintext is refused" : "plaintext is let in"; }

Sections of_peer(const LintContext& c, const model::PeerAuthentication& policy) {
  Section enforced{"enforced at", "enforced", "nothing: no pod in the mesh is in its scope", {}};
  Section not_enforced{"not enforced at", "notEnforced", {}, {}};
  const auto root = c.cluster.mesh().root_namespace;
  const bool selects = policy.selector && !policy.selector->empty();
  if (selects && policy.meta.ns() == root) {
    not_enforced.items.push_back(
        {"namespace " + root.str(),
         {"a selector in the root namespace is ignored: only the mesh's default counts there"}});
    return {enforced, not_enforced};
  }
  const auto peers = sim::compile_peer_authentication(c.engine.cluster_ptr());
  for (const sim::ReachClass& cls : c.classes().classes()) {
    const model::Pod& pod = c.cluster.pod(cls.pod);
    if (pod.meta.ns() != policy.meta.ns() && policy.meta.ns() != root) continue;
    if (selects && !policy.selector->matches(pod.meta.labels)) continue;
    const auto dataplane = c.dataplane(cls.pod);
    if (dataplane != sim::Dataplane::Ambient && dataplane != sim::Dataplane::Sidecar) {
      const bool proxy = dataplane != sim::Dataplane::None;
      not_enforced.items.push_back(
          {c.pod_text(cls.pod),
           {proxy ? "a gateway or waypoint: it decides by its own listeners" : "not in the mesh"}});
      continue;
    }
    const sim::PolicyPoint point = c.ztunnel_point(cls.pod);
    const auto ask = [&](std::uint16_t port) {
      sim::RequestState request;
      request.port = port;
      return peers->evaluate_hop({&point, &request}, nullptr);
    };
    const auto any = ask(1);
    const bool strict = any.decision == sim::Decision::Deny;
    Item item{fmt::format("{} of {}: {}", dataplane == sim::Dataplane::Sidecar ? "sidecar" : "ztunnel",
                          c.pod_text(cls.pod), mode_text(strict)),
              {}};
    if (strict && any.reason.by && !(any.reason.by->key == policy.meta.key))
      item.notes.push_back(
          fmt::format("by {}, which is nearer to the pod", LintContext::object_text(any.reason.by->key)));
    for (const auto& [port, mode] : policy.port_level)
      item.notes.push_back(
          fmt::format("port {}: {}", port, mode_text(ask(port).decision == sim::Decision::Deny)));
    enforced.items.push_back(std::move(item));
  }
  return {enforced, not_enforced};
}

}  // namespace

std::optional<Sections> explain_istio_policy(const LintContext& c, const model::ResourceKey& key) {
  if (const auto p = c.snapshot.find<model::PeerAuthentication>(key)) return of_peer(c, *p);
  return std::nullopt;
}

}  // namespace waypath::tools
