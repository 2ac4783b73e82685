// Selectors that no manifest can decide: those that name a label whose value a controller makes up.

#include <array>
#include <map>
#include <set>
#include <string>

#include "model/derive.h"
#include "model/diagnostic_codes.h"
#include "model/snapshot.h"

namespace waypath::model {
namespace {

constexpr std::array<std::string_view, 6> kGeneratedLabels{
    "pod-template-hash", "controller-revision-hash",
    "controller-uid",    "batch.kubernetes.io/controller-uid",
    "job-name",          "batch.kubernetes.io/job-name"};

class SelectorCheck {
 public:
  SelectorCheck(const Snapshot& snapshot, Diagnostics& diagnostics)
      : snapshot_(snapshot), diagnostics_(diagnostics) {
    for (const auto& pod : snapshot.all<Pod>())
      for (const auto key : kGeneratedLabels)
        if (generated_label_unknown(*pod, key)) unknown_[std::string(key)].insert(pod->meta.key.ns.str());
  }

  void run() {
    if (unknown_.empty()) return;
    for (const auto& s : snapshot_.all<Service>())
      for (const auto& [key, value] : s->selector) check(s->meta, key, s->meta.pos, false);
    for (const auto& p : snapshot_.all<NetworkPolicy>()) {
      check(p->meta, p->pod_selector, false);
      for (const auto* rules : {&p->ingress, &p->egress})
        for (const auto& rule : *rules)
          for (const auto& peer : rule.peers)
            if (peer.pod_selector) check(p->meta, *peer.pod_selector, peer.namespace_selector.has_value());
    }
    policies<AuthorizationPolicy>();
    policies<RequestAuthentication>();
  }

 private:
  template <class T>
  void policies() {
    for (const auto& p : snapshot_.all<T>())
      if (p->attachment.selector) check(p->meta, *p->attachment.selector, false);
  }

  void check(const ObjectMeta& meta, const LabelSelector& selector, bool any_namespace) {
    for (const auto& requirement : selector.requirements)
      check(meta, requirement.key, requirement.pos, any_namespace);
  }

  void check(const ObjectMeta& meta, Symbol key, SourcePos pos, bool any_namespace) {
    const auto it = unknown_.find(key.view());
    if (it == unknown_.end() || (!any_namespace && it->second.count(meta.key.ns.view()) == 0)) return;
    diagnostics_.report({kSelectorGeneratedLabel,
                         Severity::Warning,
                         Reach::Input,
                         pos,
                         meta.key.str(),
                         {},
                         {},
                         "the selector names " + key.str() +
                             ", which a controller sets; pods derived from workloads have no value for it "
                             "and are not matched",
                         "give the live pods, or select by labels of the template"});
  }

  const Snapshot& snapshot_;
  Diagnostics& diagnostics_;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> unknown_;  // key -> namespaces
};

}  // namespace

void check_generated_labels(const Snapshot& snapshot, Diagnostics& diagnostics) {
  SelectorCheck(snapshot, diagnostics).run();
}

}  // namespace waypath::model
