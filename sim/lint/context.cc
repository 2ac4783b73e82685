#include "sim/lint/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/base/edit_distance.h"
#include "model/istio/proxy_ports.h"
#include "sim/cni_profile.h"
#include "sim/reach/classes.h"
#include "sim/resolve/captures.h"

namespace waypath::sim {

namespace {

using model::PodId;
using model::ServiceId;

template <class T>
void find_one(const model::Snapshot& snapshot, const model::ResourceKey& key, const model::ObjectMeta*& out) {
  if (out != nullptr) return;
  if (const auto object = snapshot.find<T>(key)) out = &object->meta;
}

template <class... Ts>
const model::ObjectMeta* find_in(const model::Snapshot& snapshot, const model::ResourceKey& key,
                                 const model::TypeList<Ts...>&) {
  const model::ObjectMeta* out = nullptr;
  (find_one<Ts>(snapshot, key, out), ...);
  return out;
}

NetPeer peer_of(const model::Cluster& cluster, PodId pod) {
  NetPeer peer;
  const model::Pod& p = cluster.pod(pod);
  if (!p.ips.empty()) peer.address = p.ips.front();
  if (!p.spec.host_network) {
    peer.pod = pod;
  } else if (const auto node = cluster.node_of(pod)) {
    peer.node = *node;
  }
  return peer;
}

bool refuses(const PolicyResult& result) {
  return result.decision == Decision::Deny || result.decision == Decision::Drop;
}

}  // namespace

LintContext::LintContext(const Engine& e)
    : engine(e),
      cluster(e.cluster()),
      snapshot(e.cluster().snapshot()),
      authorization_(e.cluster()),
      authentication_(e.cluster()) {
  captures_ = captures_of(cluster);
  ambient_ = std::any_of(captures_.begin(), captures_.end(),
                         [](const Capture& c) { return c.dataplane == Dataplane::Ambient; });
  bindings_.reserve(cluster.services().size());
  for (std::uint32_t i = 0; i < cluster.services().size(); ++i)
    bindings_.push_back(bind_service(cluster, {i}));
  model::Diagnostics known;  // the Engine has reported them
  classes_ = std::make_unique<const ReachClasses>(cluster, cni_profile(engine.options()), true, known);
  points_ = enforcement_points(cluster);
  for (const EnforcementPoint& p : points_)
    if (p.point.kind == PolicyPoint::Kind::Waypoint && p.point.service.valid())
      chains_.emplace(p.point.service.index, &p.point);
  const auto policies = snapshot.all<model::AuthorizationPolicy>();
  for (std::uint32_t i = 0; i < policies.size(); ++i)
    authorization_.add(i, policies[i]->meta, policies[i]->attachment);
  const auto requests = snapshot.all<model::RequestAuthentication>();
  for (std::uint32_t i = 0; i < requests.size(); ++i)
    authentication_.add(i, requests[i]->meta, requests[i]->attachment);
}

LintContext::~LintContext() = default;

const PolicyPoint* LintContext::waypoint_chain(ServiceId service) const {
  const auto it = chains_.find(service.index);
  return it == chains_.end() ? nullptr : it->second;
}

std::vector<const model::AuthorizationPolicy*> LintContext::policies_at(const PolicyPoint& point) const {
  std::vector<const model::AuthorizationPolicy*> out;
  for (const auto i : authorization_.at(point))
    out.push_back(snapshot.all<model::AuthorizationPolicy>()[i].get());
  return out;
}

std::vector<const model::RequestAuthentication*> LintContext::authentication_at(
    const PolicyPoint& point) const {
  std::vector<const model::RequestAuthentication*> out;
  for (const auto i : authentication_.at(point))
    out.push_back(snapshot.all<model::RequestAuthentication>()[i].get());
  return out;
}

PolicyPoint LintContext::ztunnel_point(PodId pod) const {
  const model::Pod& p = cluster.pod(pod);
  PolicyPoint point;
  point.kind = dataplane(pod) == Dataplane::Sidecar ? PolicyPoint::Kind::Sidecar : PolicyPoint::Kind::Ztunnel;
  point.ns = p.meta.ns();
  point.labels = p.meta.labels;
  point.workload_name = p.meta.name();
  point.http = false;
  return point;
}

// Source: istio/ztunnel src/proxy/outbound.rs build_request; istio
// pilot/pkg/xds/endpoints/endpoint_builder.go buildEnvoyLbEndpoint
std::uint16_t LintContext::wire_port(PodId from, PodId to, std::uint16_t port) const {
  const Capture &sender = capture(from), &receiver = capture(to);
  if (sender.dataplane == Dataplane::None) return port;
  if (receiver.redirected()) return model::kHbonePort;
  const bool tunnels = sender.dataplane == Dataplane::Ambient || sender.dataplane == Dataplane::Waypoint;
  return receiver.dataplane == Dataplane::Sidecar && receiver.sidecar_hbone && tunnels ? model::kHbonePort
                                                                                       : port;
}

Connection LintContext::connection(PodId from, PodId to, std::uint16_t port) const {
  Connection out;
  out.source = peer_of(cluster, from);
  out.destination = peer_of(cluster, to);
  out.port = wire_port(from, to, port);
  out.hbone = out.port == model::kHbonePort;
  out.inner_port = out.hbone && port != model::kHbonePort ? port : std::uint16_t{0};
  out.self = from == to;
  return out;
}

std::optional<PolicyResult> LintContext::refusal_at(const Connection& c, Direction direction) const {
  const LegDecisions quick = judge_leg(engine.policies(), c, nullptr);
  if (!refuses(direction == Direction::Egress ? quick.egress : quick.ingress)) return std::nullopt;
  TraceRecorder recorder;  // for the reason in words
  LegDecisions full = judge_leg(engine.policies(), c, &recorder);
  return direction == Direction::Egress ? std::move(full.egress) : std::move(full.ingress);
}

std::optional<LegRefusal> LintContext::refusal(PodId from, PodId to, std::uint16_t port) const {
  const Connection c = connection(from, to, port);
  for (const Direction direction : {Direction::Egress, Direction::Ingress})
    if (auto result = refusal_at(c, direction))
      return LegRefusal{direction == Direction::Egress, std::move(*result)};
  return std::nullopt;
}

PolicyResult LintContext::ask_destination(PodId pod, const PeerIdentity& caller, std::uint16_t port) const {
  const Assume nothing;
  RequestState request;
  request.peer = caller;
  request.port = port;
  request.assume = &nothing;
  TraceRecorder recorder;
  return judge_hop(engine.policies(), ztunnel_point(pod), request, &recorder);
}

std::vector<std::uint16_t> LintContext::served_ports(PodId pod) const {
  std::set<std::uint16_t> out;
  const auto& containers = cluster.pod(pod).spec.containers;
  for (const auto& container : containers)
    for (const auto& port : container.ports)
      if (port.protocol == model::Protocol::Tcp) out.insert(port.port);
  for (const ServiceId id : cluster.services_of_pod(pod)) {
    const auto* service = cluster.service(id).service;
    if (service == nullptr) continue;
    for (const auto& port : service->ports) {
      if (port.protocol != model::Protocol::Tcp) continue;
      if (const auto* number = std::get_if<std::uint16_t>(&port.target_port)) {
        out.insert(*number);
      } else if (const auto named = model::Cluster::named_port(
                     cluster.pod(pod), std::get<model::Symbol>(port.target_port), port.protocol)) {
        out.insert(named->second);
      }
    }
  }
  return {out.begin(), out.end()};
}

std::vector<model::Endpoint> LintContext::distinct_endpoints(ServiceId service, std::uint16_t port) const {
  std::vector<model::Endpoint> out;
  std::set<std::pair<std::uint32_t, std::uint16_t>> seen;
  for (const model::Endpoint& endpoint : cluster.endpoints(service, port)) {
    if (!endpoint.pod.valid()) continue;
    const std::uint32_t of = classes_->class_of(endpoint.pod);
    if (of == ReachClasses::kNone || seen.emplace(of, endpoint.port).second) out.push_back(endpoint);
  }
  return out;
}

std::string LintContext::pod_text(PodId pod) const {
  const model::Pod& p = cluster.pod(pod);
  const bool owned = !p.workload_kind.empty() && !p.workload_name.empty();
  return fmt::format("{} {}/{}", owned ? p.workload_kind.view() : "Pod", p.meta.ns().view(),
                     owned ? p.workload_name.view() : p.meta.name().view());
}

std::string LintContext::service_text(ServiceId service) const {
  return object_text(cluster.service(service).meta().key);
}

std::string LintContext::object_text(const model::ResourceKey& key) {
  return key.ns.empty() ? fmt::format("{} {}", key.kind.view(), key.name.view())
                        : fmt::format("{} {}/{}", key.kind.view(), key.ns.view(), key.name.view());
}

std::string LintContext::list_text(const std::vector<std::string>& items, std::size_t most) {
  std::string out;
  const std::size_t shown = items.size() <= most + 1 ? items.size() : most;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) out += shown == items.size() && i + 1 == shown ? " and " : ", ";
    out += items[i];
  }
  if (shown < items.size()) out += fmt::format(" and {} more", items.size() - shown);
  return out;
}

const model::ObjectMeta* LintContext::find_meta(const model::ResourceKey& key) const {
  return find_in(snapshot, key, model::ResourceTypes());
}

// A pod or Service that a manifest implies is that manifest's business.
void LintContext::report(Code code, ObjectAt at, std::string message, std::string fix,
                         std::optional<model::Severity> severity) {
  if (const auto* meta = find_meta(at.key);
      meta != nullptr && meta->origin == model::Origin::Derived && !meta->derived_from.name.empty())
    at.key = meta->derived_from;
  const LintCode* info = find_lint_code(code.text);
  findings_.push_back({code,
                       severity          ? *severity
                       : info != nullptr ? info->severity
                                         : model::Severity::Warning,
                       std::move(at), std::move(message), std::move(fix)});
}

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    if (c != ',' && c != ' ' && c != '\n' && c != '\t') {
      word.push_back(c);
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

template <class... Ts>
void each_meta(const model::Snapshot& snapshot, const model::TypeList<Ts...>&, const auto& fn) {
  const auto one = [&](const auto& objects) {
    for (const auto& object : objects) fn(object->meta);
  };
  (one(snapshot.all<Ts>()), ...);
}

}  // namespace

bool LintContext::suppressed(const Finding& finding) const {
  const auto* meta = find_meta(finding.object.key);
  const auto* annotation = meta == nullptr ? nullptr : meta->annotation(kLintIgnoreAnnotation);
  if (annotation == nullptr) return false;
  const auto words = words_of(annotation->value);
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return word == "*" || word == finding.code.text; });
}

LintResult LintContext::take(const LintOptions& options) {
  each_meta(snapshot, model::ResourceTypes(), [&](const model::ObjectMeta& meta) {
    const auto* annotation = meta.annotation(kLintIgnoreAnnotation);
    if (annotation == nullptr || meta.origin == model::Origin::Derived) return;
    for (const std::string& word : words_of(annotation->value)) {
      if (word == "*" || find_lint_code(word) != nullptr) continue;
      std::vector<std::string_view> names;
      for (const auto& row : lint_codes()) names.push_back(row.info.code.text);
      const auto near = model::nearest(word, names);
      report(kLintIgnoreUnknown, lint_at(meta, annotation->pos),
             fmt::format("{}: there is no code {}", kLintIgnoreAnnotation, word),
             near ? fmt::format("write {}", *near) : std::string("`waypath explain` lists the codes"));
    }
  });
  LintResult out;
  std::vector<Finding> kept;
  for (Finding& finding : findings_) {
    if (std::find(options.ignore.begin(), options.ignore.end(), finding.code.text) != options.ignore.end())
      continue;
    const auto& key = finding.object.key;
    const bool own =
        key.ns == options.ns || (key.kind == std::string_view("Namespace") && key.name == options.ns);
    if (!options.ns.empty() && !own) continue;
    if (finding.code != kLintIgnoreUnknown && suppressed(finding)) {
      ++out.suppressed;
    } else {
      kept.push_back(std::move(finding));
    }
  }
  findings_.clear();
  const auto rank = [&](const Finding& f) {
    return std::tuple(cluster.files().path(f.object.pos.file), f.object.pos.line, f.object.pos.column,
                      f.code.text, std::string_view(f.message));
  };
  std::stable_sort(kept.begin(), kept.end(),
                   [&](const Finding& a, const Finding& b) { return rank(a) < rank(b); });
  kept.erase(std::unique(kept.begin(), kept.end(),
                         [](const Finding& a, const Finding& b) {
                           return a.code == b.code && a.object.key == b.object.key &&
                                  a.message == b.message && a.object.pos == b.object.pos;
                         }),
             kept.end());
  out.findings = std::move(kept);
  return out;
}

}  // namespace waypath::sim
