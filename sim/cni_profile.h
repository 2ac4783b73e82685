#pragma once
// What CNI plugins do where the NetworkPolicy API leaves room (network-policy.md section 6).

#include "sim/flow.h"

namespace waypath::sim {

struct CniProfile {
  bool ipblock_selects_pods = true;  // ipBlock and networks match pod addresses
  bool rejects = false;              // a refused connection is answered instead of dropped
  bool probes_judged = false;        // probes of captured pods (source 169.254.7.127) are subject to policy
};

/// The profile of `options.cni` with the overrides of `options`.
[[nodiscard]] inline CniProfile cni_profile(const SimOptions& options) {
  CniProfile p;
  // Source: docs.cilium.io network/kubernetes/policy: identities, not addresses, stand for pods.
  if (options.cni == Cni::Cilium) p.ipblock_selects_pods = false;
  p.ipblock_selects_pods = options.ipblock_selects_pods.value_or(p.ipblock_selects_pods);
  p.rejects = options.cni_rejects.value_or(p.rejects);
  p.probes_judged = options.probe_snat_subject_to_netpol.value_or(p.probes_judged);
  return p;
}

}  // namespace waypath::sim
