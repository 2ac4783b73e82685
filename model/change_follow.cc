#include "model/change_follow.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "model/derive.h"

namespace waypath::model {
namespace {

constexpr std::string_view kGatewayName = "gateway.networking.k8s.io/gateway-name";

bool selected(const std::vector<std::pair<Symbol, Symbol>>& selector, const Labels& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const auto& s) {
    const auto* label = labels.find(s.first);
    return label != nullptr && label->value == s.second;
  });
}

// `labels` with the difference between `before` and `after` applied; others stay.
Labels relabelled(const Labels& labels, const Labels& before, const Labels& after) {
  std::vector<Label> out;
  for (const auto& label : labels.all()) {
    const bool given = before.find(label.key) != nullptr;
    if (!given || after.find(label.key) != nullptr) out.push_back(label);
  }
  for (const auto& label : after.all()) {
    const auto* old = before.find(label.key);
    if (old == nullptr || old->value != label.value) out.push_back(label);
  }
  return Labels(std::move(out));
}

const Annotation* find(const std::vector<Annotation>& list, Symbol key) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& a) { return a.key == key; });
  return it == list.end() ? nullptr : &*it;
}

std::vector<Annotation> reannotated(const std::vector<Annotation>& own, const std::vector<Annotation>& before,
                                    const std::vector<Annotation>& after) {
  std::vector<Annotation> out;
  for (const auto& a : own) {
    const auto *old = find(before, a.key), *now = find(after, a.key);
    const bool changed = old != nullptr && (now == nullptr || now->value != old->value);
    if (!changed) out.push_back(a);
  }
  for (const auto& a : after) {
    const auto* old = find(before, a.key);
    if (old != nullptr && old->value == a.value) continue;
    std::erase_if(out, [&](const auto& o) { return o.key == a.key; });
    out.push_back(a);
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.key.view() < b.key.view(); });
  return out;
}

bool same_annotations(const std::vector<Annotation>& a, const std::vector<Annotation>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.key == y.key && x.value == y.value; });
}

bool same_ports(const Container& a, const Container& b) {
  return a.native_sidecar == b.native_sidecar && std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(),
                                                            b.ports.end(), [](const auto& x, const auto& y) {
                                                              return x.name == y.name && x.port == y.port &&
                                                                     x.protocol == y.protocol;
                                                            });
}

const Container* find(const std::vector<Container>& list, Symbol name) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& c) { return c.name == name; });
  return it == list.end() ? nullptr : &*it;
}

// Containers of the template replace those of their names; containers that a webhook injected stay.
bool follow_containers(std::vector<Container>& own, const std::vector<Container>& before,
                       const std::vector<Container>& after) {
  bool changed = false;
  for (const auto& old : before) {
    if (find(after, old.name) != nullptr) continue;
    changed |= std::erase_if(own, [&](const auto& c) { return c.name == old.name; }) != 0;
  }
  for (const auto& now : after) {
    const auto* old = find(before, now.name);
    if (old != nullptr && same_ports(*old, now)) continue;
    const auto it = std::find_if(own.begin(), own.end(), [&](const auto& c) { return c.name == now.name; });
    if (it == own.end()) {
      own.push_back(now);
    } else {
      *it = now;
    }
    changed = true;
  }
  return changed;
}

// The pod as the changed template makes it, or null when nothing of it changes.
std::shared_ptr<Pod> followed(const Pod& pod, const Workload& before, const Workload& after) {
  auto out = std::make_shared<Pod>(pod);
  out->meta.labels = relabelled(pod.meta.labels, before.template_labels, after.template_labels);
  out->meta.annotations =
      reannotated(pod.meta.annotations, before.template_annotations, after.template_annotations);
  const auto &old = before.template_spec, &now = after.template_spec;
  if (old.service_account != now.service_account) out->spec.service_account = now.service_account;
  if (old.host_network != now.host_network) {
    out->spec.host_network = now.host_network;
    out->ips.clear();  // it moves between the node's network and one of its own
  }
  if (old.node_name != now.node_name) out->spec.node_name = now.node_name;
  const bool containers = follow_containers(out->spec.containers, old.containers, now.containers);
  const bool same = !containers && out->meta.labels == pod.meta.labels &&
                    same_annotations(out->meta.annotations, pod.meta.annotations) &&
                    out->spec.service_account == pod.spec.service_account &&
                    out->spec.host_network == pod.spec.host_network &&
                    out->spec.node_name == pod.spec.node_name;
  return same ? nullptr : out;
}

class Follow {
 public:
  Follow(const Snapshot& before, Snapshot& next) : before_(before), next_(next), builder_(next) {}

  void run(bool applied) {
    if (applied) keep_server_fields();
    flush();
    follow_gateways();
    flush();
    follow_workloads();
    flush();
    drop_removed_endpoints();
    flush();
  }

 private:
  void flush() {
    if (!touched_) return;
    Diagnostics rebuilt;  // the objects were judged when they were read
    next_ = builder_.build(rebuilt);
    builder_ = SnapshotBuilder(next_);
    touched_ = false;
  }

  template <class T>
  void replace(T changed) {
    builder_.remove(changed.meta.key);
    builder_.add(std::move(changed));
    touched_ = true;
  }

  // Pairs of one object before and after, where it is another one now. `after` is null when it is gone.
  template <class T, class F>
  void each_changed(F fn) const {
    for (const auto& old : before_.all<T>()) {
      if (old->meta.origin != Origin::Manifest) continue;
      const auto now = next_.find<T>(old->meta.key);
      if (now.get() != old.get()) fn(*old, now.get());
    }
  }

  void keep_server_fields() {
    each_changed<Service>([&](const Service& old, const Service* now) {
      if (now == nullptr) return;
      Service s = *now;
      if (s.meta.creation_timestamp.empty()) s.meta.creation_timestamp = old.meta.creation_timestamp;
      const bool has_vip = !s.headless && s.type != ServiceType::ExternalName;
      if (has_vip && s.cluster_ips.empty()) s.cluster_ips = old.cluster_ips;
      if (s.type == ServiceType::LoadBalancer && s.load_balancer_ips.empty() &&
          s.load_balancer_hostnames.empty()) {
        s.load_balancer_ips = old.load_balancer_ips;
        s.load_balancer_hostnames = old.load_balancer_hostnames;
      }
      if (s.type != ServiceType::ClusterIP)
        for (auto& port : s.ports)
          for (const auto& o : old.ports)
            if (port.node_port == 0 && o.port == port.port && o.protocol == port.protocol)
              port.node_port = o.node_port;
      replace(std::move(s));
    });
    each_changed<Gateway>([&](const Gateway& old, const Gateway* now) {
      if (now == nullptr) return;
      Gateway g = *now;
      if (g.meta.creation_timestamp.empty()) g.meta.creation_timestamp = old.meta.creation_timestamp;
      if (!g.has_status && old.has_status) {
        g.has_status = true;
        g.status_addresses = old.status_addresses;
        g.programmed_false = old.programmed_false;
      }
      replace(std::move(g));
    });
  }

  // Source: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go Reconcile
  void follow_gateways() {
    each_changed<Gateway>([&](const Gateway& old, const Gateway* now) {
      if (now == nullptr) return;
      const auto controller = gateway_controller(now->class_name, next_.all<GatewayClass>());
      if (controller.empty() || !gateway_managed(*now)) return;
      const auto labels = gateway_pod_labels(old, controller),
                 new_labels = gateway_pod_labels(*now, controller);
      const auto made = [&](const ObjectMeta& meta) {
        return meta.origin == Origin::Manifest && meta.key.ns == now->meta.key.ns &&
               meta.labels.get(kGatewayName) == now->meta.key.name.view() &&
               meta.labels.find("gateway.istio.io/managed") != nullptr;
      };
      if (!(labels == new_labels)) {
        for (const auto& w : next_.all<Workload>()) {
          if (!made(w->meta)) continue;
          Workload copy = *w;
          copy.template_labels = relabelled(w->template_labels, labels, new_labels);
          replace(std::move(copy));
        }
        for (const auto& pod : next_.all<Pod>()) {
          if (!made(pod->meta)) continue;
          Pod copy = *pod;
          copy.meta.labels = relabelled(pod->meta.labels, labels, new_labels);
          replace(std::move(copy));
        }
      }
      const auto ports = gateway_service_ports(*now, {});
      const auto numbers = [](const std::vector<ServicePort>& list) {
        std::vector<std::pair<std::uint16_t, std::string>> out;
        for (const auto& p : list) out.emplace_back(p.port, p.app_protocol.value_or(""));
        return out;
      };
      if (numbers(gateway_service_ports(old, {})) == numbers(ports)) return;
      for (const auto& s : next_.all<Service>()) {
        if (!made(s->meta)) continue;
        Service copy = *s;
        copy.ports = ports;
        for (auto& p : copy.ports)
          for (const auto& o : s->ports)
            if (o.port == p.port) p.node_port = o.node_port;
        replace(std::move(copy));
      }
    });
  }

  void follow_workloads() {
    std::map<ResourceKey, std::pair<const Workload*, const Workload*>> changed;
    for (const auto& old : before_.all<Workload>()) {
      const auto* now = next_.find<Workload>(old->meta.key).get();
      const bool derived =
          old->meta.origin == Origin::Derived && (now == nullptr || now->meta.origin == Origin::Derived);
      if (now != old.get() && !derived) changed[old->meta.key] = {old.get(), now};
    }
    if (changed.empty()) return;
    for (const auto& pod : next_.all<Pod>()) {
      if (pod->meta.origin == Origin::Derived) continue;
      // Attribution as it was: a workload that is gone has no pods any more.
      const auto was = before_.find<Pod>(pod->meta.key);
      const Pod& attributed = was ? *was : *pod;
      const auto it = std::find_if(changed.begin(), changed.end(), [&](const auto& c) {
        return c.first.ns == pod->meta.key.ns && c.first.kind == attributed.workload_kind &&
               c.first.name == attributed.workload_name;
      });
      if (it == changed.end()) continue;
      const auto [old, now] = it->second;
      if (now == nullptr || now->suspended || now->replicas.value_or(1) == 0) {
        touched_ |= builder_.remove(pod->meta.key);
      } else if (auto moved = followed(*pod, *old, *now)) {
        replace(std::move(*moved));
      }
    }
  }

  void drop_removed_endpoints() {
    std::set<std::pair<std::string_view, std::string_view>> gone;
    for (const auto& pod : before_.all<Pod>()) {
      const auto& key = pod->meta.key;
      if (pod->meta.origin == Origin::Manifest && !next_.find<Pod>(key))
        gone.insert({key.ns.view(), key.name.view()});
    }
    if (gone.empty()) return;
    for (const auto& slice : next_.all<EndpointSlice>()) {
      const auto stale = [&](const SliceEndpoint& e) {
        return gone.count({slice->meta.key.ns.view(), e.target_pod.view()}) != 0;
      };
      if (std::none_of(slice->endpoints.begin(), slice->endpoints.end(), stale)) continue;
      EndpointSlice copy = *slice;
      std::erase_if(copy.endpoints, stale);
      replace(std::move(copy));
    }
  }

  const Snapshot& before_;
  Snapshot& next_;
  SnapshotBuilder builder_;
  bool touched_ = false;
};

}  // namespace

bool pod_belongs(const Snapshot& snapshot, const Pod& pod, const ResourceKey& key) {
  const auto kind = key.kind.view();
  if (kind == "Node") return pod.spec.node_name == key.name;
  if (kind == "Gateway" && key.group == std::string_view("networking.istio.io")) {
    // A classic Gateway selects pods of any namespace. Source: istio pilot/pkg/model/push_context.go
    // initGateways
    const auto gateway = snapshot.find<IstioGateway>(key);
    return gateway && !gateway->selector.empty() && selected(gateway->selector, pod.meta.labels);
  }
  if (pod.meta.key.ns != key.ns) return false;
  if (kind == "Pod") return pod.meta.key.name == key.name;
  if (kind == "Gateway") return pod.meta.labels.get(kGatewayName) == key.name.view();
  if (kind == "Service") {
    const auto service = snapshot.find<Service>(key);
    return service && !service->selector.empty() && selected(service->selector, pod.meta.labels);
  }
  if (pod.workload_kind == key.kind && pod.workload_name == key.name) return true;
  return std::any_of(pod.meta.owners.begin(), pod.meta.owners.end(),
                     [&](const auto& o) { return o.kind == key.kind && o.name == key.name; });
}

void follow_changes(const Snapshot& before, Snapshot& next, bool applied) {
  Follow(before, next).run(applied);
}

}  // namespace waypath::model
