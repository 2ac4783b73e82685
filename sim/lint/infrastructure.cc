// What pods need whatever they do: the name server, istiod, and the kubelet's probes.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/cni_profile.h"
#include "sim/lint/context.h"
#include "sim/policy/network_policy.h"
#include "sim/reach/classes.h"
#include "sim/resolve/enablement.h"
#include "sim/resolve/name_server.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::Severity;

/// Refusals under the policy that decides them, with the workloads they hit.
class Gathered {
 public:
  void add(const PolicyResult& result, const std::string& who, Severity severity) {
    if (result.reason.by) add(*result.reason.by, who, severity);
  }
  void add(const ObjectAt& policy, const std::string& who, Severity severity) {
    Entry& entry = by_policy_[policy.key.str()];
    entry.at = policy;
    entry.who.insert(who);
    entry.severity = std::max(entry.severity, severity);
  }
  struct Entry {
    ObjectAt at;
    std::set<std::string> who;
    Severity severity = Severity::Info;
    [[nodiscard]] std::string list() const { return LintContext::list_text({who.begin(), who.end()}); }
  };
  [[nodiscard]] const std::map<std::string, Entry>& entries() const { return by_policy_; }

 private:
  std::map<std::string, Entry> by_policy_;
};

bool isolated(const NetAttachment& attached, Direction direction) {
  return !attached.admin.empty() || !attached.baseline.empty() ||
         !(direction == Direction::Egress ? attached.egress : attached.ingress).empty();
}

// A pod that may open no connection at all looks nothing up.
bool connects(const NetAttachment& attached) {
  return std::any_of(attached.egress.begin(), attached.egress.end(),
                     [](const auto* policy) { return !policy->egress.empty(); });
}

// ---- names ----

// ztunnel answers names of the mesh itself; names outside it are still asked for.
Severity unanswered(const LintContext& c, PodId pod) {
  const Capture& capture = c.capture(pod);
  return capture.redirected() && capture.dns_capture ? Severity::Info : Severity::Warning;
}

std::string_view unanswered_words(Severity severity) {
  return severity == Severity::Info ? " (names of the mesh are answered by ztunnel)" : "";
}

// Without a name server in the manifests: pods that can ask none, wherever it is.
void lookups_shut(LintContext& c) {
  Gathered shut;
  for (const ReachClass& cls : c.classes().classes()) {
    if (!connects(cls.attached)) continue;
    const auto* policy = admitted_to_nobody(c.cluster, cls.pod, model::Protocol::Udp, kDnsPort);
    if (policy != nullptr) shut.add(lint_at(policy->meta), c.pod_text(cls.pod), unanswered(c, cls.pod));
  }
  for (const auto& [policy, entry] : shut.entries())
    c.report(kLintNetpolDns, entry.at,
             fmt::format("{} cannot ask any name server: egress on UDP {} is admitted to nobody{}",
                         entry.list(), kDnsPort, unanswered_words(entry.severity)),
             "allow egress to the name server on UDP and TCP 53", entry.severity);
}

void name_lookups(LintContext& c) {
  const model::ServiceId dns = name_server(c.cluster);
  if (!dns.valid()) return lookups_shut(c);
  const auto servers = c.distinct_endpoints(dns, kDnsPort);
  if (servers.empty()) return;
  const model::Endpoint& server = servers.front();
  Gathered out_of, into;
  for (const ReachClass& cls : c.classes().classes()) {
    if (cls.pod == server.pod) continue;
    Connection connection = c.connection(cls.pod, server.pod, server.port);
    connection.protocol = model::Protocol::Udp;
    connection.port = server.port;
    connection.hbone = false;
    connection.inner_port = 0;
    const Severity severity = unanswered(c, cls.pod);
    if (isolated(cls.attached, Direction::Egress) && connects(cls.attached))
      if (const auto refused = c.refusal_at(connection, Direction::Egress))
        out_of.add(*refused, c.pod_text(cls.pod), severity);
    if (const auto refused = c.refusal_at(connection, Direction::Ingress))
      into.add(*refused, c.pod_text(cls.pod), severity);
  }
  const std::string server_text = c.service_text(dns);
  const auto tell = [&](const Gathered& gathered, std::string_view way, std::string_view fix) {
    for (const auto& [policy, entry] : gathered.entries())
      c.report(kLintNetpolDns, entry.at,
               fmt::format("{} cannot ask {} for names: {} on UDP {} is dropped{}", entry.list(), server_text,
                           way, server.port, unanswered_words(entry.severity)),
               std::string(fix), entry.severity);
  };
  tell(out_of, "egress", "allow egress to the name server on UDP and TCP 53");
  tell(into, "ingress", "let every pod that looks names up into the name server on UDP and TCP 53");
}

// ---- istiod ----

// Proxies that istiod configures: Envoys and ztunnel.
bool needs_istiod(const LintContext& c, PodId pod) {
  const Dataplane dataplane = c.dataplane(pod);
  return dataplane == Dataplane::Waypoint || dataplane == Dataplane::Gateway ||
         dataplane == Dataplane::Sidecar || is_ztunnel(c.cluster.pod(pod));
}

void control_plane(LintContext& c) {
  constexpr std::uint16_t kXds = 15012;
  model::ServiceId istiod;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const auto& service = c.cluster.services()[i];
    const bool named = service.service != nullptr && service.name.view().substr(0, 6) == "istiod";
    if (named && service.find_port(kXds) != nullptr) istiod = {i};
  }
  if (!istiod.valid()) return;
  const auto endpoints = c.distinct_endpoints(istiod, kXds);
  if (endpoints.empty()) return;
  Gathered gathered;
  for (const ReachClass& cls : c.classes().classes()) {
    if (!needs_istiod(c, cls.pod)) continue;
    Connection connection = c.connection(cls.pod, endpoints.front().pod, endpoints.front().port);
    for (const Direction direction : {Direction::Egress, Direction::Ingress})
      if (const auto refused = c.refusal_at(connection, direction))
        gathered.add(*refused, c.pod_text(cls.pod), Severity::Warning);
  }
  for (const auto& [policy, entry] : gathered.entries())
    c.report(
        kLintNetpolIstiod, entry.at,
        fmt::format("{} cannot reach {} on TCP {}: after a restart the proxy gets no configuration and no "
                    "certificate",
                    entry.list(), c.service_text(istiod), kXds),
        fmt::format("allow egress to istiod on TCP {}, and ingress there", kXds));
}

// ---- probes ----

std::vector<std::uint16_t> probe_ports(const model::Pod& pod) {
  std::set<std::uint16_t> out;
  for (const auto& container : pod.spec.containers) {
    for (const auto& probe : container.probes) {
      if (probe.port != 0) out.insert(probe.port);
      if (const auto named = model::Cluster::named_port(pod, probe.port_name, model::Protocol::Tcp);
          !probe.port_name.empty() && named)
        out.insert(named->second);
    }
  }
  return {out.begin(), out.end()};
}

// K2: probes of captured pods come from 169.254.7.127, which some CNIs hold against policies.
void probes(LintContext& c) {
  const SimOptions& given = c.engine.options();
  const CniProfile profile = cni_profile(given);
  if (!profile.probes_judged && given.cni != Cni::Generic) return;  // a plugin that lets its node through
  if (given.probe_snat_subject_to_netpol == false) return;
  SimOptions judged = given;
  judged.probe_snat_subject_to_netpol = true;
  model::Diagnostics known;
  const auto policies = compile_network_policies(c.engine.cluster_ptr(), judged, known);
  Gathered gathered;
  for (const ReachClass& cls : c.classes().classes()) {
    if (!c.capture(cls.pod).redirected() || !isolated(cls.attached, Direction::Ingress)) continue;
    for (const std::uint16_t port : probe_ports(c.cluster.pod(cls.pod))) {
      Connection probe;
      probe.destination.pod = cls.pod;
      probe.port = port;
      probe.kubelet_probe = true;
      TraceRecorder recorder;
      const auto result = policies->evaluate_leg({&probe, Direction::Ingress}, &recorder);
      if (result.decision != Decision::Drop && result.decision != Decision::Deny) continue;
      gathered.add(result, fmt::format("{} (port {})", c.pod_text(cls.pod), port),
                   profile.probes_judged ? Severity::Error : Severity::Warning);
      break;
    }
  }
  for (const auto& [policy, entry] : gathered.entries())
    c.report(kLintNetpolProbes, entry.at,
             fmt::format("probes of {} come from 169.254.7.127, which no rule allows: {}", entry.list(),
                         entry.severity == Severity::Error
                             ? "this CNI drops them and the pods never get ready"
                             : "CNIs that judge traffic of the node drop them, and the pods never get ready"),
             "allow ingress from ipBlock 169.254.7.127/32", entry.severity);
}

}  // namespace

void lint_infrastructure(LintContext& c) {
  name_lookups(c);
  control_plane(c);
  probes(c);
}

}  // namespace waypath::sim
