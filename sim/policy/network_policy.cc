#include "sim/policy/network_policy.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "sim/cni_profile.h"
#include "sim/policy/net_attachment.h"
#include "sim/policy/net_match.h"
#include "sim/policy/refusal_code.h"
#include "sim/reasons/netpol.h"

namespace waypath::sim {
namespace {

using model::ClusterPolicy;
using model::NetworkPolicy;
using model::NetworkPolicyRule;

constexpr std::string_view kLayer = "NetworkPolicy";

std::string section(Direction d) { return d == Direction::Egress ? "egress" : "ingress"; }

ObjectAt object(const model::ObjectMeta& meta) { return {meta.key, meta.pos, -1, {}}; }
ObjectAt rule_at(const model::ObjectMeta& meta, model::SourcePos pos, std::size_t rule, Direction d) {
  return {meta.key, pos.known() ? pos : meta.pos, static_cast<int>(rule), section(d)};
}

/// `fn(policy)` for those of a namespace. All are sorted by group (extensions, networking.k8s.io), namespace,
/// name: found, not looked through.
template <class Fn>
void each_in_namespace(const model::Cluster& cluster, model::Symbol ns, const Fn& fn) {
  const auto all = cluster.snapshot().all<NetworkPolicy>();
  for (auto from = all.begin(); from != all.end();) {
    const auto to = std::partition_point(from, all.end(), [group = (*from)->meta.key.group](const auto& p) {
      return p->meta.key.group == group;
    });
    for (auto at = std::partition_point(from, to,
                                        [ns](const auto& p) { return p->meta.key.ns.view() < ns.view(); });
         at != to && (*at)->meta.key.ns == ns; ++at)
      fn(**at);
    from = to;
  }
}

/// One direction of one connection. Where an unknown address leaves a rule open, both ways are followed; the
/// verdict is certain when they end alike.
class Judge {
 public:
  Judge(const model::Cluster& cluster, const CniProfile& profile, const LegContext& context,
        TraceRecorder* recorder)
      : c_(*context.connection),
        direction_(context.direction),
        egress_(context.direction == Direction::Egress),
        subject_(egress_ ? c_.source : c_.destination),
        other_(egress_ ? c_.destination : c_.source),
        match_{cluster, profile, recorder != nullptr},
        silent_{cluster, profile, false},
        refusal_(profile.rejects ? Decision::Deny : Decision::Drop),
        recorder_(recorder) {}

  // Source: kubernetes-sigs/network-policy-api apis/v1alpha2 Tier: Admin, then NetworkPolicy, then Baseline.
  // Isolation by a NetworkPolicy is final for its direction.
  PolicyResult run(const NetAttachment& attached) {
    if (tier(attached.admin) && network_policies(egress_ ? attached.egress : attached.ingress) &&
        tier(attached.baseline))
      untouched_ = true;
    return conclude();
  }

 private:
  bool tier(const std::vector<const ClusterPolicy*>& policies);
  bool network_policies(const std::vector<const NetworkPolicy*>& policies);
  void refuse(const std::vector<const NetworkPolicy*>& policies);
  /// What would have let the connection through.
  struct Near {
    ObjectAt at;
    std::string detail;
    bool hbone = false;
  };
  [[nodiscard]] std::vector<Near> unselected() const;
  PolicyResult conclude();
  void open(const ObjectAt& at, const FitResult& fit) {
    if (!undecided_) undecided_ = Reason{kNetpolAddressUnknown, at, fit.detail};
  }
  void considered(std::string_view layer, const model::ObjectMeta& meta, std::string detail,
                  std::vector<TraceNode> rules) {
    trace_.push_back({std::string(layer),
                      Decision::NotApplicable,
                      {kNetpolNoMatch, object(meta), std::move(detail)},
                      std::move(rules)});
  }
  [[nodiscard]] std::string port_text() const {
    return std::string(model::to_string(c_.protocol)) + " " + std::to_string(c_.port);
  }

  const Connection& c_;
  Direction direction_;
  bool egress_;
  const NetPeer& subject_;
  const NetPeer& other_;
  NetMatch match_;   // tells why something does not match, for a recorder
  NetMatch silent_;  // does not: where nobody would read it
  Decision refusal_;
  TraceRecorder* recorder_;
  std::optional<PolicyResult> allowed_, refused_;  // the last that was found each way
  bool untouched_ = false;                         // nothing had a say
  std::optional<Reason> undecided_;
  std::vector<TraceNode> trace_;
};

// True when the tier may leave the question open.
bool Judge::tier(const std::vector<const ClusterPolicy*>& policies) {
  bool passed = false;
  for (const ClusterPolicy* policy : policies) {
    const auto& rules = egress_ ? policy->egress : policy->ingress;
    const bool admin = policy->tier == model::PolicyTier::Admin;
    std::vector<TraceNode> missed;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const model::ClusterPolicyRule& rule = rules[i];
      const bool port = match_.ports(rule, c_.protocol, c_.port, c_.destination);
      const FitResult fit =
          port || recorder_ != nullptr ? peers_fit(match_, subject_, other_, rule) : FitResult{};
      const ObjectAt at = rule_at(policy->meta, rule.pos, i, direction_);
      if (!port || fit.fit == Fit::No) {
        if (recorder_ != nullptr)
          missed.push_back({policy->meta.key.kind.str(),
                            Decision::NotApplicable,
                            {kNetpolNoMatch, at, port ? fit.detail : "other ports than " + port_text()},
                            {}});
        continue;
      }
      if (fit.fit == Fit::Unknown) open(at, fit);
      const std::string detail =
          rule.name.empty() || recorder_ == nullptr ? std::string() : "rule \"" + rule.name + "\"";
      if (rule.action == model::TierAction::Pass) {
        if (recorder_ != nullptr)
          trace_.push_back(
              {policy->meta.key.kind.str(), Decision::NotApplicable, {kAdminPass, at, detail}, {}});
        passed = true;
        if (fit.fit == Fit::Yes) return true;
        continue;
      }
      const bool accept = rule.action == model::TierAction::Accept;
      PolicyResult result;
      result.decision = accept ? Decision::Allow : refusal_;
      result.reason = {
          accept ? (admin ? kAdminAccept : kBaselineAccept) : (admin ? kAdminDeny : kBaselineDeny), at,
          detail};
      result.deciders.push_back(at);
      if (recorder_ != nullptr && fit.fit == Fit::Yes)
        trace_.push_back({policy->meta.key.kind.str(), result.decision, result.reason, std::move(missed)});
      (accept ? allowed_ : refused_) = std::move(result);
      if (fit.fit == Fit::Yes) return passed;
    }
    if (recorder_ != nullptr && !rules.empty())
      considered(policy->meta.key.kind.view(), policy->meta, "no rule matches", std::move(missed));
  }
  return true;
}

// Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go NetworkPolicySpec: rules of all policies
// add up; a pod that one policy selects for a direction lets through what some rule allows, and nothing else.
bool Judge::network_policies(const std::vector<const NetworkPolicy*>& policies) {
  if (policies.empty()) return true;
  for (const NetworkPolicy* policy : policies) {
    const auto& rules = egress_ ? policy->egress : policy->ingress;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!silent_.ports(rules[i], c_.protocol, c_.port, c_.destination)) continue;
      const FitResult fit = silent_.peers(other_, rules[i], policy->meta.key.ns);
      if (fit.fit == Fit::No) continue;
      const ObjectAt at = rule_at(policy->meta, rules[i].pos, i, direction_);
      PolicyResult result;
      result.decision = Decision::Allow;
      result.reason = {kNetpolAllow, at, recorder_ != nullptr ? "allows " + ports_text(rules[i]) : ""};
      result.deciders.push_back(at);
      allowed_ = std::move(result);
      if (fit.fit == Fit::Unknown) {
        open(at, fit);
        continue;
      }
      if (recorder_ != nullptr)
        trace_.push_back({std::string(kLayer), Decision::Allow, allowed_->reason, {}});
      return false;
    }
  }
  refuse(policies);
  return false;
}

// Policies of the namespace with a rule for just this connection that do not select the pod: a label that is
// missing or misspelt.
std::vector<Judge::Near> Judge::unselected() const {
  std::vector<Near> out;
  const model::Pod& pod = silent_.cluster.pod(subject_.pod);
  each_in_namespace(silent_.cluster, pod.meta.key.ns, [&](const NetworkPolicy& policy) {
    const auto& rules = egress_ ? policy.egress : policy.ingress;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (rules[i].peers.empty() || !silent_.ports(rules[i], c_.protocol, c_.port, c_.destination) ||
          silent_.peers(other_, rules[i], policy.meta.key.ns).fit != Fit::Yes)
        continue;
      if (policy.pod_selector.matches(pod.meta.labels)) return;
      out.push_back({rule_at(policy.meta, rules[i].pos, i, direction_),
                     "would allow this, but selects pods with " + policy.pod_selector.str() +
                         ", which this pod does not have"});
      return;
    }
  });
  return out;
}

// Nothing matched for certain. Names what came nearest: a rule that fits the peer and lacks the port, else
// the isolating policy.
void Judge::refuse(const std::vector<const NetworkPolicy*>& policies) {
  PolicyResult result;
  result.decision = refusal_;
  if (recorder_ == nullptr) {
    result.reason.code = refusal_code(silent_, c_, direction_, policies);
    refused_ = std::move(result);
    return;
  }
  std::vector<Near> port_misses, peer_misses;
  std::vector<TraceNode> nodes;
  const NetworkPolicy* isolating = policies.front();
  for (const NetworkPolicy* policy : policies) {
    const auto& rules = egress_ ? policy->egress : policy->ingress;
    if (rules.empty() && !(egress_ ? isolating->egress : isolating->ingress).empty()) isolating = policy;
    TraceNode node{std::string(kLayer),
                   Decision::NotApplicable,
                   {kNetpolNoMatch, object(policy->meta),
                    rules.empty() ? "isolates, has no rule" : "isolates, no rule matches"},
                   {}};
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const ObjectAt at = rule_at(policy->meta, rules[i].pos, i, direction_);
      const FitResult fit = match_.peers(other_, rules[i], policy->meta.key.ns);
      const bool port = match_.ports(rules[i], c_.protocol, c_.port, c_.destination);
      std::string detail;
      if (fit.fit == Fit::Yes) {
        const bool inner = admits_inner(match_, c_, rules[i]);
        detail = "matches the peer, lists only " + ports_text(rules[i]) +
                 (c_.hbone ? "; meshed peers connect on TCP " + std::to_string(c_.port)
                           : "; the connection is " + port_text());
        (inner || !meant_for_outside(other_, rules[i]) ? port_misses : peer_misses)
            .push_back({at, detail, inner});
      } else if (port) {
        detail = "allows " + port_text() + " to other peers: " + fit.detail;
        if (fit.fit == Fit::No) peer_misses.push_back({at, detail, false});
      } else {
        detail = "neither peer nor port: " + fit.detail;
      }
      node.children.push_back(
          {std::string(kLayer), Decision::NotApplicable, {kNetpolNoMatch, at, std::move(detail)}, {}});
    }
    nodes.push_back(std::move(node));
  }
  std::stable_sort(port_misses.begin(), port_misses.end(),
                   [](const Near& a, const Near& b) { return a.hbone && !b.hbone; });
  if (port_misses.empty()) {
    result.reason = {refusal_code(direction_, false, false), object(isolating->meta),
                     section(direction_) + " is isolated by " + std::to_string(policies.size()) +
                         (policies.size() == 1 ? " policy" : " policies") +
                         " and no rule matches the peer on " + port_text()};
  } else {
    const Near& near = port_misses.front();
    result.reason = {refusal_code(direction_, true, near.hbone), near.at, near.detail};
    for (const Near& n : port_misses) result.deciders.push_back(n.at);
  }
  result.deciders.push_back(object(isolating->meta));
  for (const Near& n : unselected()) {
    result.deciders.push_back(n.at);
    recorder_->near_misses.push_back({n.at, n.detail});
  }
  for (const NetworkPolicy* policy : policies)
    if (policy != isolating) result.deciders.push_back(object(policy->meta));
  trace_.push_back({std::string(kLayer), result.decision, result.reason, std::move(nodes)});
  for (const Near& n : port_misses) recorder_->near_misses.push_back({n.at, n.detail});
  for (const Near& n : peer_misses) recorder_->near_misses.push_back({n.at, n.detail});
  refused_ = std::move(result);
}

PolicyResult Judge::conclude() {
  PolicyResult result;
  if (refused_ && (allowed_ || untouched_)) {
    result.decision = Decision::Unknown;
    result.reason = *undecided_;
    if (result.reason.by) result.deciders.push_back(*result.reason.by);
    if (recorder_ != nullptr) {
      recorder_->missing_facts.push_back(undecided_->detail);
      recorder_->nodes.push_back({std::string(kLayer), Decision::Unknown, *undecided_, {}});
    }
    return result;
  }
  if (refused_) result = std::move(*refused_);
  // What may be allowed by a rule and passes without it is allowed; only a rule that matches for certain is
  // named.
  else if (allowed_ && !untouched_)
    result = std::move(*allowed_);
  if (recorder_ == nullptr) return result;
  recorder_->nodes.insert(recorder_->nodes.end(), std::make_move_iterator(trace_.begin()),
                          std::make_move_iterator(trace_.end()));
  if (result.decision == Decision::NotApplicable)
    recorder_->nodes.push_back(
        {std::string(kLayer),
         Decision::NotApplicable,
         {kNetpolNotIsolated, std::nullopt, section(direction_) + " of this pod is not isolated"},
         {}});
  return result;
}

class NetworkPolicies final : public PolicyEvaluator {
 public:
  NetworkPolicies(std::shared_ptr<const model::Cluster> cluster, const SimOptions& options,
                  model::Diagnostics& diagnostics)
      : cluster_(std::move(cluster)),
        profile_(cni_profile(options)),
        attached_(attach_net_policies(*cluster_, &diagnostics)) {}

  [[nodiscard]] std::string_view name() const override { return kLayer; }
  [[nodiscard]] PolicyResult evaluate_leg(const LegContext& context, TraceRecorder* recorder) const override;

 private:
  void note_blocks(const LegContext& context, const NetAttachment& attached, const PolicyResult& result,
                   TraceRecorder& recorder) const;
  std::shared_ptr<const model::Cluster> cluster_;
  CniProfile profile_;
  std::vector<NetAttachment> attached_;
};

bool refuses(Decision d) { return d == Decision::Deny || d == Decision::Drop; }

// Where the answer hangs on address blocks that select pods, the plugin is part of it: network-policy.md 2.8.
void NetworkPolicies::note_blocks(const LegContext& context, const NetAttachment& attached,
                                  const PolicyResult& result, TraceRecorder& recorder) const {
  const NetPeer& other =
      context.direction == Direction::Egress ? context.connection->destination : context.connection->source;
  if (profile_.ipblock_stated || !attached.address_blocks || !other.pod.valid() ||
      result.decision == Decision::Unknown)
    return;
  CniProfile by_identity = profile_;
  by_identity.ipblock_selects_pods = false;
  const PolicyResult otherwise = Judge(*cluster_, by_identity, context, nullptr).run(attached);
  if (refuses(otherwise.decision) == refuses(result.decision)) return;
  recorder.assumptions.push_back(
      {kAssumeIpBlockPods,
       refuses(otherwise.decision)
           ? "the CNI compares ipBlock with addresses of pods; one that does not would refuse"
           : "the CNI compares address blocks with addresses of pods; one that does not would let it through",
       {}});
}

PolicyResult NetworkPolicies::evaluate_leg(const LegContext& asked, TraceRecorder* recorder) const {
  // A probe reaches a captured pod with the address that istio-cni gives the kubelet.
  // Source: istio cni/pkg/iptables (HostProbeSNAT)
  Connection c = *asked.connection;
  if (c.kubelet_probe) c.source = {{}, {}, model::parse_ip("169.254.7.127"), {}};
  const LegContext context{&c, asked.direction};
  const bool egress = context.direction == Direction::Egress;
  const NetPeer& subject = egress ? c.source : c.destination;
  // Nodes, hostNetwork pods and outside addresses are never isolated.
  // Source: kubernetes-sigs/kube-network-policies pkg/networkpolicy/engine.go getLocalPodsForNetworkPolicy
  if (!subject.pod.valid() || cluster_->pod(subject.pod).spec.host_network) return {};
  const auto fixed = [&](Code code, std::string detail) {
    PolicyResult r;
    r.decision = Decision::Allow;
    r.reason = {code, std::nullopt, std::move(detail)};
    if (recorder != nullptr) recorder->nodes.push_back({std::string(kLayer), Decision::Allow, r.reason, {}});
    return r;
  };
  if (c.self && !c.self_via_service)
    return fixed(kNetpolSelf, recorder != nullptr ? "a pod always reaches its own address" : "");

  TraceRecorder own;
  PolicyResult result = Judge(*cluster_, profile_, context, recorder != nullptr ? &own : nullptr)
                            .run(attached_[subject.pod.index]);

  // What comes from the pod's own node passes, whatever policies say; probes of captured pods are the
  // exception on some CNIs. Source: kubernetes staging/src/k8s.io/api/networking/v1/types.go (Ingress:
  // "traffic ... from the pod's local node")
  const bool refused = refuses(result.decision) || result.decision == Decision::Unknown;
  const auto node = cluster_->node_of(subject.pod);
  const bool node_local =
      !egress && ((c.kubelet_probe && !profile_.probes_judged) ||
                  (!c.kubelet_probe && c.source.node.valid() && node && *node == c.source.node));
  if (refused && node_local) {
    if (recorder != nullptr)
      recorder->assumptions.push_back(
          {kAssumeNodeLocal,
           "the CNI lets a pod's own node through, as the Kubernetes API says; without that: " +
               std::string(result.reason.code.text),
           {}});
    return fixed(kNetpolNodeLocal,
                 recorder != nullptr ? "traffic from the pod's own node is not judged" : "");
  }
  if (recorder == nullptr) return result;
  note_blocks(context, attached_[subject.pod.index], result, own);
  const auto take = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  take(recorder->nodes, own.nodes);
  take(recorder->near_misses, own.near_misses);
  take(recorder->missing_facts, own.missing_facts);
  take(recorder->assumptions, own.assumptions);
  if (c.self && result.decision != Decision::NotApplicable)
    recorder->assumptions.push_back(
        {kAssumeSelfPluginDependent,
         "a pod that reaches itself through a Service is judged as any other connection",
         {}});
  return result;
}

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_network_policies(std::shared_ptr<const model::Cluster> cluster,
                                                                const SimOptions& options,
                                                                model::Diagnostics& diagnostics) {
  return std::make_unique<const NetworkPolicies>(std::move(cluster), options, diagnostics);
}

const NetworkPolicy* admitted_to_nobody(const model::Cluster& cluster, model::PodId pod,
                                        model::Protocol protocol, std::uint16_t port) {
  const model::Pod& subject = cluster.pod(pod);
  const auto others = cluster.snapshot().all<model::UnmodelledPolicy>();
  if (subject.spec.host_network || !cluster.snapshot().all<ClusterPolicy>().empty() ||
      std::any_of(others.begin(), others.end(),
                  [](const auto& p) { return p->meta.key.kind.view().ends_with("NetworkPolicy"); }))
    return nullptr;
  const CniProfile profile;
  const NetMatch match{cluster, profile};
  // A name may be that of any port.
  const auto meant = [&](const model::NetworkPolicyPort& p) {
    return std::holds_alternative<model::Symbol>(p.port) ? p.protocol == protocol
                                                         : match.port(p, protocol, port, NetPeer());
  };
  const NetworkPolicy* first = nullptr;
  bool admitted = false;
  each_in_namespace(cluster, subject.meta.ns(), [&](const NetworkPolicy& policy) {
    if (admitted || !policy.affects_egress || !policy.pod_selector.matches(subject.meta.labels)) return;
    if (first == nullptr) first = &policy;
    admitted = std::any_of(policy.egress.begin(), policy.egress.end(), [&](const NetworkPolicyRule& rule) {
      return rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(), meant);
    });
  });
  return admitted ? nullptr : first;
}

}  // namespace waypath::sim
