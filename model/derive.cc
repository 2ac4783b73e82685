#include "model/derive.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace waypath::model {
namespace {

struct WorkloadName {
  Symbol kind, ns, name;
  friend bool operator==(const WorkloadName&, const WorkloadName&) = default;
};
struct WorkloadNameHash {
  std::size_t operator()(const WorkloadName& w) const noexcept {
    const std::hash<Symbol> h;
    return h(w.kind) * 31 + h(w.ns) * 17 + h(w.name);
  }
};
using WorkloadIndex = std::unordered_map<WorkloadName, const Workload*, WorkloadNameHash>;

WorkloadIndex index_workloads(Objects<Workload> workloads) {
  WorkloadIndex index;
  for (const auto& w : workloads)
    index.emplace(WorkloadName{w->meta.key.kind, w->meta.key.ns, w->meta.key.name}, w.get());
  return index;
}

const OwnerReference* controller_of(const ObjectMeta& meta) {
  for (const auto& owner : meta.owners)
    if (owner.controller) return &owner;
  return meta.owners.size() == 1 ? &meta.owners.front() : nullptr;
}

// The workload above a ReplicaSet or Job, when it is given.
const Workload* parent_workload(const WorkloadIndex& index, Symbol kind, Symbol ns, Symbol name) {
  static const Symbol replica_set = intern("ReplicaSet"), deployment = intern("Deployment"),
                      rollout = intern("Rollout"), job = intern("Job"), cron_job = intern("CronJob"),
                      controller = intern("ReplicationController"), config = intern("DeploymentConfig");
  const auto find = [&](Symbol k, Symbol n) -> const Workload* {
    const auto it = index.find({k, ns, n});
    return it == index.end() ? nullptr : it->second;
  };
  if (kind != replica_set && kind != job && kind != controller) return nullptr;
  if (const Workload* self = find(kind, name)) {
    const auto* owner = controller_of(self->meta);
    return owner == nullptr ? nullptr : find(owner->kind, owner->name);
  }
  // Without the ReplicaSet itself its name tells: "<deployment>-<template hash>", "<cronjob>-<minute>".
  const auto dash = name.view().rfind('-');
  if (dash == std::string_view::npos) return nullptr;
  const Symbol stem = intern(name.view().substr(0, dash));
  if (kind == job) return find(cron_job, stem);
  if (kind == controller) return find(config, stem);
  const Workload* parent = find(deployment, stem);
  return parent != nullptr ? parent : find(rollout, stem);
}

// Labels that controllers add to the pods they make.
// Source: kubernetes pkg/controller/statefulset/stateful_set_utils.go updateIdentity, pkg/controller/job;
// openshift/library-go pkg/apps/appsutil (DeploymentConfigLabel)
Labels generated_labels(const Workload& w, const std::string& pod_name, int ordinal) {
  Labels labels = w.template_labels;
  const auto kind = w.meta.key.kind.view();
  if (kind == "StatefulSet") {
    labels = labels.with(intern("statefulset.kubernetes.io/pod-name"), intern(pod_name), w.meta.pos);
    labels = labels.with(intern("apps.kubernetes.io/pod-index"), intern(std::to_string(ordinal)), w.meta.pos);
  } else if (kind == "Job") {
    labels = labels.with(intern("batch.kubernetes.io/job-name"), w.meta.key.name, w.meta.pos);
    labels = labels.with(intern("job-name"), w.meta.key.name, w.meta.pos);
  } else if (kind == "DeploymentConfig") {
    labels = labels.with(intern("deploymentconfig"), w.meta.key.name, w.meta.pos);
  }
  return labels;
}

bool has_labels(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.all().begin(), wanted.all().end(), [&](const Label& l) {
    const auto* own = labels.find(l.key);
    return own != nullptr && own->value == l.value;
  });
}

// Pods written without their owner: a workload takes the ones that its selector matches and that bear its
// name, as a controller adopts orphans; what istiod deploys selects by the Gateway's name alone. Source:
// kubernetes pkg/controller/controller_ref_manager.go ClaimPods (the name is this product's own condition: a
// ReplicaSet's selector holds a hash that rendered manifests lack)
const Workload* adopter(const std::vector<const Workload*>& workloads, const Pod& pod) {
  for (const Workload* w : workloads) {
    const auto name = pod.meta.key.name.view(), prefix = w->meta.key.name.view();
    const bool named =
        name.size() > prefix.size() && name.substr(0, prefix.size()) == prefix && name[prefix.size()] == '-';
    if (!named && w->meta.origin != Origin::Derived) continue;
    const bool selected = w->selector.empty()
                              ? !w->template_labels.empty() && has_labels(pod.meta.labels, w->template_labels)
                              : w->selector.matches(pod.meta.labels);
    if (selected) return w;
  }
  return nullptr;
}

Pod derive_pod(const Workload& w, const std::string& name, int ordinal, Symbol node) {
  Pod pod;
  pod.meta.key = {intern("Pod"), Symbol{}, w.meta.key.ns, intern(name)};
  pod.meta.labels = generated_labels(w, name, ordinal);
  pod.meta.annotations = w.template_annotations;
  pod.meta.owners.push_back({w.meta.key.kind, w.meta.key.name, true});
  pod.meta.origin = Origin::Derived;
  pod.meta.derived_from = w.meta.key;
  pod.meta.pos = w.meta.pos;
  pod.spec = w.template_spec;
  if (!node.empty()) pod.spec.node_name = node;
  if (w.meta.key.kind == std::string_view("StatefulSet")) {
    pod.spec.hostname = intern(name);
    pod.spec.subdomain = w.service_name;
  }
  pod.workload_kind = w.meta.key.kind;
  pod.workload_name = w.meta.key.name;
  return pod;
}

}  // namespace

void attribute_pods(std::vector<std::shared_ptr<const Pod>>& pods, Objects<Workload> workloads) {
  const auto index = index_workloads(workloads);
  std::unordered_map<Symbol, std::vector<const Workload*>>
      adopters;  // by namespace; workloads that no other one owns
  for (const auto& w : workloads)
    if (parent_workload(index, w->meta.key.kind, w->meta.key.ns, w->meta.key.name) == nullptr)
      adopters[w->meta.key.ns].push_back(w.get());
  for (auto& pod : pods) {
    const auto* owner = controller_of(pod->meta);
    if (owner != nullptr && owner->kind == std::string_view("Node"))
      owner = nullptr;  // a static pod's mirror
    Symbol kind = owner == nullptr ? intern("Pod") : owner->kind;
    Symbol name = owner == nullptr ? pod->meta.key.name : owner->name;
    if (owner != nullptr) {
      if (const Workload* parent = parent_workload(index, kind, pod->meta.key.ns, name)) {
        kind = parent->meta.key.kind;
        name = parent->meta.key.name;
      }
    } else if (pod->meta.owners.empty()) {
      const auto it = adopters.find(pod->meta.key.ns);
      if (const Workload* w = it == adopters.end() ? nullptr : adopter(it->second, *pod)) {
        kind = w->meta.key.kind;
        name = w->meta.key.name;
      }
    }
    if (pod->workload_kind == kind && pod->workload_name == name) continue;
    // Copied only when another snapshot holds it, too.
    auto own =
        pod.use_count() == 1 ? std::const_pointer_cast<Pod>(std::move(pod)) : std::make_shared<Pod>(*pod);
    own->workload_kind = kind;
    own->workload_name = name;
    pod = std::move(own);
  }
}

std::vector<Pod> derive_pods(Objects<Pod> pods, Objects<Workload> workloads, Objects<Node> nodes) {
  const auto index = index_workloads(workloads);
  std::unordered_set<WorkloadName, WorkloadNameHash> populated;
  for (const auto& pod : pods) {
    populated.insert({pod->workload_kind, pod->meta.key.ns, pod->workload_name});
    if (const auto* owner = controller_of(pod->meta))
      populated.insert({owner->kind, pod->meta.key.ns, owner->name});
  }
  std::vector<Pod> out;
  for (const auto& w : workloads) {
    const auto& key = w->meta.key;
    const auto kind = key.kind.view();
    const int replicas = w->replicas.value_or(1);
    if (populated.count({key.kind, key.ns, key.name}) != 0 || w->suspended ||
        (replicas == 0 && kind != "DaemonSet"))
      continue;
    if (parent_workload(index, key.kind, key.ns, key.name) != nullptr)
      continue;  // the workload above it makes the pods
    if (kind == "StatefulSet") {
      for (int i = 0; i < replicas; ++i) {
        const int ordinal = w->ordinals_start + i;
        out.push_back(derive_pod(*w, key.name.str() + "-" + std::to_string(ordinal), ordinal, {}));
      }
    } else if (kind == "DaemonSet" && !nodes.empty()) {
      for (const auto& node : nodes)
        out.push_back(
            derive_pod(*w, key.name.str() + "-" + node->meta.key.name.str(), 0, node->meta.key.name));
    } else {
      out.push_back(derive_pod(*w, key.name.str() + "-*", 0, {}));
    }
  }
  return out;
}

// Source: kubernetes pkg/controller/deployment/util/hash.go, pkg/controller/history, pkg/controller/job
bool generated_label_unknown(const Pod& pod, std::string_view key) {
  if (pod.meta.origin != Origin::Derived || pod.meta.labels.find(key) != nullptr) return false;
  const auto kind = pod.workload_kind.view();
  if (kind == "Deployment") return key == "pod-template-hash";
  if (kind == "Rollout") return key == "rollouts-pod-template-hash";
  if (kind == "DeploymentConfig") return key == "deployment";
  if (kind == "StatefulSet" || kind == "DaemonSet") return key == "controller-revision-hash";
  const bool job_uid = key == "controller-uid" || key == "batch.kubernetes.io/controller-uid";
  if (kind == "Job") return job_uid;
  return kind == "CronJob" && (job_uid || key == "job-name" || key == "batch.kubernetes.io/job-name");
}

}  // namespace waypath::model
