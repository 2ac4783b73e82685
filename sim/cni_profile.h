#pragma once
// What CNI plugins do where the NetworkPolicy API leaves room (network-policy.md section 6).

#include "sim/flow.h"

namespace waypath::sim {

struct CniProfile {
  bool ipblock_selects_pods = true;   // ipBlock and networks match pod addresses
  bool ipblock_selects_nodes = true;  // and those of nodes and hostNetwork pods
  bool ipblock_stated = false;        // the plugin is known: what blocks select is no assumption
  bool rejects = false;               // a refused connection is answered instead of dropped
  bool probes_judged = false;         // probes of captured pods (source 169.254.7.127) are subject to policy
};

/// The profile of `options.cni` with the overrides of `options`.
[[nodiscard]] inline CniProfile cni_profile(const SimOptions& options) {
  CniProfile p;
  p.ipblock_stated = options.cni != Cni::Generic || options.ipblock_selects_pods.has_value();
  if (options.cni == Cni::Cilium) {
    // Source: docs.cilium.io network/kubernetes/policy: identities, not addresses, stand for pods and nodes
    // (policy-cidr-match-mode).
    p.ipblock_selects_pods = p.ipblock_selects_nodes = false;
    // Source: istio.io/docs/ambient/install/platform-prerequisites (Cilium): it does not know the link-local
    // address that probes of captured pods come from.
    p.probes_judged = true;
  }
  p.ipblock_selects_pods = options.ipblock_selects_pods.value_or(p.ipblock_selects_pods);
  p.rejects = options.cni_rejects.value_or(p.rejects);
  p.probes_judged = options.probe_snat_subject_to_netpol.value_or(p.probes_judged);
  return p;
}

}  // namespace waypath::sim
