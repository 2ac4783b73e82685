#include "scenarios/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "model/gateway/gateway.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/cluster_policy.h"
#include "model/kube/network_policy.h"
#include "scenarios/rebuild.h"
#include "sim/policy/ext_authz.h"
#include "sim/resolve/mesh.h"

namespace waypath::scenarios {
namespace {

std::string place_of(const model::Snapshot& snapshot, const model::ObjectMeta& meta) {
  model::SourcePos pos = meta.pos;
  pos.column = 0;
  return pos.known() ? snapshot.files().format(pos) : std::string();
}

// As a change names it, with the group where kinds share their name.
std::string reference(const model::ResourceKey& key) {
  const std::string kind = key.kind == std::string_view("Gateway") && !key.group.empty()
                               ? fmt::format("{}.{}", key.kind.view(), key.group.view())
                               : key.kind.str();
  return key.ns.empty() ? fmt::format("{}/{}", kind, key.name.view())
                        : fmt::format("{}/{}/{}", kind, key.ns.view(), key.name.view());
}

SweepStep step(std::string group, const model::Snapshot& snapshot, const model::ObjectMeta& meta) {
  SweepStep out;
  out.group = std::move(group);
  out.name = meta.key.str();
  out.place = place_of(snapshot, meta);
  return out;
}

void fail(SweepStep& step, const model::ResourceKey& key) {
  step.changes.push_back({model::FailChange{{reference(key), {}}}, {}});
}

template <class Policy>
void add_policies(const model::Snapshot& snapshot, std::vector<SweepStep>& out) {
  for (const auto& policy : snapshot.all<Policy>()) {
    if (policy->meta.origin != model::Origin::Manifest) continue;
    SweepStep one = step("policy", snapshot, policy->meta);
    one.changes.push_back({model::DeleteChange{{reference(policy->meta.key), {}}}, {}});
    out.push_back(std::move(one));
  }
}

void add_waypoints_and_gateways(const sim::Engine& engine, std::vector<SweepStep>& out) {
  const auto& cluster = engine.cluster();
  const auto& snapshot = cluster.snapshot();
  std::vector<SweepStep> gateways;
  for (const auto& gateway : snapshot.all<model::Gateway>()) {
    const bool waypoint = sim::is_waypoint(cluster, *gateway);
    SweepStep one = step(waypoint ? "waypoint" : "gateway", snapshot, gateway->meta);
    if (sim::gateway_pods(cluster, *gateway).empty())
      one.skipped = "it has no pods in the manifests";
    else
      fail(one, gateway->meta.key);
    (waypoint ? out : gateways).push_back(std::move(one));
  }
  for (const auto& gateway : snapshot.all<model::IstioGateway>()) {
    SweepStep one = step("gateway", snapshot, gateway->meta);
    fail(one, gateway->meta.key);
    gateways.push_back(std::move(one));
  }
  std::move(gateways.begin(), gateways.end(), std::back_inserter(out));
}

void add_nodes(const sim::Engine& engine, std::vector<SweepStep>& out) {
  const auto& cluster = engine.cluster();
  std::set<std::string> used;
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i)
    if (const auto node = cluster.node_of({i})) used.insert(cluster.node_names()[node->index]);
  for (const auto& name : used) {
    const auto id = cluster.find_node(name);
    const auto* node = cluster.node_object(id);
    if (node != nullptr) {
      SweepStep one = step("node", cluster.snapshot(), node->meta);
      fail(one, node->meta.key);
      out.push_back(std::move(one));
    } else {
      SweepStep one;
      one.group = "node";
      one.name = "Node/" + name;
      one.skipped = "pods name it, but the manifests have no such Node";
      out.push_back(std::move(one));
    }
  }
}

void add_providers(const sim::Engine& engine, std::vector<SweepStep>& out) {
  const auto& cluster = engine.cluster();
  for (const auto& provider : cluster.mesh().extension_providers) {
    if (provider.type == model::ExtensionProvider::Type::Other) continue;
    SweepStep one;
    one.group = "ext_authz";
    one.name = fmt::format("{} ({})", provider.name, provider.service);
    model::SourcePos pos = provider.pos;
    pos.column = 0;
    if (pos.known()) one.place = cluster.files().format(pos);
    const auto id = sim::provider_service(cluster, provider.service);
    if (!id.valid())
      one.skipped = "its Service is not in the manifests";
    else if (cluster.service(id).service == nullptr)
      one.skipped = "it is outside the cluster (a ServiceEntry): nothing here can fail";
    else
      fail(one, cluster.service(id).meta().key);
    out.push_back(std::move(one));
  }
}

void append(Plan& to, Plan from) {
  if (to.objects.empty()) to.objects = std::move(from.objects);
  std::move(from.changes.begin(), from.changes.end(), std::back_inserter(to.changes));
  to.compared += from.compared;
  to.unchanged += from.unchanged;
  to.only_before += from.only_before;
  to.only_after += from.only_after;
}

std::string first_error(const model::Diagnostics& diagnostics) {
  for (const auto& d : diagnostics.items())
    if (d.severity == model::Severity::Error) return d.message;
  return {};
}

}  // namespace

bool SweepCase::fails_open() const {
  return std::any_of(plan.changes.begin(), plan.changes.end(), [](const FlowChange& c) {
    return c.kind == FlowChangeKind::Opens || c.loses_enforcement;
  });
}

bool SweepCase::breaks() const {
  return std::any_of(plan.changes.begin(), plan.changes.end(),
                     [](const FlowChange& c) { return c.kind == FlowChangeKind::Breaks; });
}

std::vector<SweepStep> failure_steps(const sim::Engine& engine) {
  std::vector<SweepStep> out;
  add_waypoints_and_gateways(engine, out);
  add_nodes(engine, out);
  add_providers(engine, out);
  return out;
}

std::vector<SweepStep> policy_steps(const sim::Engine& engine) {
  std::vector<SweepStep> out;
  const auto& snapshot = engine.cluster().snapshot();
  add_policies<model::NetworkPolicy>(snapshot, out);
  add_policies<model::ClusterPolicy>(snapshot, out);
  add_policies<model::AuthorizationPolicy>(snapshot, out);
  add_policies<model::RequestAuthentication>(snapshot, out);
  add_policies<model::PeerAuthentication>(snapshot, out);
  return out;
}

std::vector<SweepStep> version_steps(model::IstioVersion from, model::IstioVersion to) {
  std::vector<SweepStep> out;
  const auto add = [&](model::IstioVersion version) {
    SweepStep one;
    one.group = "version";
    one.name = "Istio " + version.str();
    one.version = version;
    out.push_back(std::move(one));
  };
  for (int minor = from.minor + 1; minor < to.minor; ++minor)
    if (const auto newest = model::parse_istio_version(fmt::format("{}.{}", to.major_, minor))) add(*newest);
  add(to);
  return out;
}

SweepReport run_sweep(const sim::Engine& engine, const std::vector<SweepStep>& steps,
                      const std::vector<FlowGroup>& flows, const SweepOptions& options, bool chained,
                      model::Diagnostics& diagnostics) {
  SweepSteps listed{steps.size(), [&](std::size_t i) { return steps[i]; }, {}};
  if (options.shard)
    listed.own = [&](std::size_t i) { return options.shard->has(steps[i].group + '\x1f' + steps[i].name); };
  return run_sweep(engine, listed, flows, options, chained, diagnostics);
}

SweepReport run_sweep(const sim::Engine& engine, const SweepSteps& steps, const std::vector<FlowGroup>& flows,
                      const SweepOptions& options, bool chained, model::Diagnostics& diagnostics) {
  SweepReport out;
  out.planned = steps.count;
  std::shared_ptr<const sim::Engine> last;
  for (std::size_t i = 0; i < steps.count; ++i) {
    const bool own = !steps.own || steps.own(i);
    if (!own && !chained) continue;
    if (options.stop && options.stop()) {
      out.stopped = true;
      return out;
    }
    if (options.progress) options.progress(i, steps.count);
    const SweepStep step = steps.at(i);
    SweepCase one;
    one.index = i;
    one.group = step.group;
    one.name = step.name;
    one.place = step.place;
    one.skipped = step.skipped;
    if (one.skipped.empty()) {
      const sim::Engine& before = chained && last ? *last : engine;
      // What the manifests are warned of was told when they were loaded.
      model::Diagnostics found, quiet;
      auto snapshot = model::apply_changes(before.cluster().snapshot(), step.changes, found);
      one.skipped = first_error(found);
      if (one.skipped.empty()) {
        auto after =
            rebuild(engine, std::move(snapshot), step.version ? step.version : given_version(before), quiet);
        if (own)
          for (const FlowGroup& group : flows)
            append(one.plan,
                   compare_clusters(before, *after, group.flows, group.assume, options.jobs, diagnostics));
        last = std::move(after);
      }
    }
    if (!own) continue;
    out.cases.push_back(std::move(one));
    if (options.enough && options.enough(out.cases.back())) return out;
  }
  return out;
}

}  // namespace waypath::scenarios
