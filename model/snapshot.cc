#include "model/snapshot.h"

#include <algorithm>
#include <set>
#include <type_traits>

#include "model/derive.h"
#include "model/diagnostic_codes.h"
#include "model/istio/mesh_config_reader.h"
#include "model/same_content.h"

namespace waypath::model {
namespace {

template <class T>
struct Tag {
  using type = T;
};
template <class F, class... Ts>
void for_each_type(TypeList<Ts...>, F fn) {
  (fn(Tag<Ts>{}), ...);
}

template <class T>
bool by_key(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a->meta.key < b->meta.key;
}

}  // namespace

template <class T>
std::shared_ptr<const T> Snapshot::find(const ResourceKey& key) const {
  const auto list = all<T>();
  const auto it = std::lower_bound(list.begin(), list.end(), key,
                                   [](const auto& o, const ResourceKey& k) { return o->meta.key < k; });
  return it != list.end() && (*it)->meta.key == key ? *it : nullptr;
}

template <class T>
const T* Snapshot::find(std::string_view ns, std::string_view name) const {
  const auto list = all<T>();
  auto it = list.begin();
  while (it != list.end()) {  // one range for each kind that shares the struct
    const ResourceKey wanted{(*it)->meta.key.kind, (*it)->meta.key.group, intern(ns), intern(name)};
    const auto found = std::lower_bound(it, list.end(), wanted,
                                        [](const auto& o, const ResourceKey& k) { return o->meta.key < k; });
    if (found != list.end() && (*found)->meta.key == wanted) return found->get();
    it = std::find_if(found, list.end(), [&](const auto& o) {
      return o->meta.key.kind != wanted.kind || o->meta.key.group != wanted.group;
    });
  }
  return nullptr;
}

Snapshot Snapshot::with_file(std::string path, std::string text, std::uint32_t& id) const {
  Snapshot copy = *this;
  id = copy.files_.add(std::move(path), std::move(text));
  return copy;
}

SnapshotBuilder::SnapshotBuilder(const Snapshot& base)
    : raw_(base.raw_->begin(), base.raw_->end()), skipped_(base.skipped_), files_(base.files_) {
  for_each_type(ResourceTypes{}, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto& slot = std::get<Slot<T>>(slots_);
    const auto list = base.all<T>();
    slot.reserve(list.size());
    for (const auto& o : list)
      if (o->meta.origin == Origin::Manifest) slot.push_back(o);
  });
}

bool SnapshotBuilder::remove(const ResourceKey& key) {
  bool removed = false;
  for_each_type(ResourceTypes{}, [&](auto tag) {
    auto& slot = std::get<Slot<typename decltype(tag)::type>>(slots_);
    const auto end =
        std::remove_if(slot.begin(), slot.end(), [&](const auto& o) { return o->meta.key == key; });
    removed |= end != slot.end();
    slot.erase(end, slot.end());
  });
  return removed;
}

std::uint32_t SnapshotBuilder::add_raw(RawObject raw) {
  raw_.push_back(std::make_shared<const RawObject>(std::move(raw)));
  return static_cast<std::uint32_t>(raw_.size() - 1);
}

void SnapshotBuilder::add_skipped(std::string api_version, std::string kind, std::size_t count) {
  for (auto& s : skipped_) {
    if (s.api_version != api_version || s.kind != kind) continue;
    s.count += count;
    return;
  }
  skipped_.push_back({std::move(api_version), std::move(kind), count});
}

Snapshot SnapshotBuilder::build(Diagnostics& diagnostics) {
  Snapshot out;
  // Sorted, one object for each identity. Two that differ are an error and the first is used.
  const auto freeze = [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto& slot = std::get<Slot<T>>(slots_);
    // kubectl prints a kind in order: then there is nothing to do.
    if (!std::is_sorted(slot.begin(), slot.end(), by_key<T>))
      std::stable_sort(slot.begin(), slot.end(), by_key<T>);
    std::vector<std::shared_ptr<const T>> unique;
    unique.reserve(slot.size());
    for (auto& o : slot) {
      if (unique.empty() || !(unique.back()->meta.key == o->meta.key)) {
        unique.push_back(std::move(o));
        continue;
      }
      const auto& first = unique.back()->meta;
      const auto object = o->meta.key.str();
      const auto where = files_.format(first.pos);
      if (same_content(*unique.back(), *o)) {
        diagnostics.report({kObjectRepeated,
                            Severity::Info,
                            Reach::Input,
                            o->meta.pos,
                            object,
                            "metadata.name",
                            {},
                            object + " stands here again, as in " + where,
                            {}});
      } else {
        diagnostics.report({kObjectDuplicate, Severity::Error, Reach::Input, o->meta.pos, object,
                            "metadata.name", "Duplicate", object + " is defined differently in " + where,
                            "remove one of the two"});
      }
    }
    slot.clear();
    return unique;
  };
  for_each_type(ResourceTypes{}, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::get<ResourceList<T>>(out.lists_) =
        std::make_shared<const std::vector<std::shared_ptr<const T>>>(freeze(tag));
  });

  const auto replace = [&](auto list) {
    using T = std::remove_const_t<typename decltype(list)::value_type::element_type>;
    if (!std::is_sorted(list.begin(), list.end(), by_key<T>)) std::sort(list.begin(), list.end(), by_key<T>);
    std::get<ResourceList<T>>(out.lists_) =
        std::make_shared<const std::vector<std::shared_ptr<const T>>>(std::move(list));
  };
  const auto extended = [&](auto derived) {  // the list of a type with derived objects added
    using T = typename decltype(derived)::value_type;
    const auto list = out.all<T>();
    std::vector<std::shared_ptr<const T>> all(list.begin(), list.end());
    for (auto& o : derived) all.push_back(std::make_shared<const T>(std::move(o)));
    return all;
  };

  // Gateways first: they imply workloads, which imply pods.
  auto gateway = derive_gateway_objects({out.all<Gateway>(), out.all<GatewayClass>(), out.all<ListenerSet>(),
                                         out.all<Pod>(), out.all<Workload>(), out.all<Service>(),
                                         out.all<ServiceAccount>()});
  replace(extended(std::move(gateway.workloads)));
  replace(extended(std::move(gateway.services)));
  replace(extended(std::move(gateway.accounts)));
  replace(attribute_pods(out.all<Pod>(), out.all<Workload>()));
  replace(extended(derive_pods(out.all<Pod>(), out.all<Workload>(), out.all<Node>())));

  // A namespace that is only named exists too, with the one label every namespace has.
  std::set<Symbol, TextLess> named;
  for_each_type(ResourceTypes{}, [&](auto tag) {
    Symbol last;  // objects stand in the order of their namespaces
    for (const auto& o : out.all<typename decltype(tag)::type>())
      if (!o->meta.key.ns.empty() && o->meta.key.ns != last) named.insert(last = o->meta.key.ns);
  });
  for (const auto& ns : out.all<Namespace>()) named.erase(ns->meta.key.name);
  std::vector<Namespace> missing;
  for (const auto ns : named) {
    Namespace n;
    n.meta.key = {intern("Namespace"), Symbol{}, Symbol{}, ns};
    n.meta.labels = Labels({{intern("kubernetes.io/metadata.name"), ns, {}}});
    n.meta.origin = Origin::Derived;
    missing.push_back(std::move(n));
  }
  replace(extended(std::move(missing)));

  out.files_ = std::move(files_);
  out.raw_ = std::make_shared<const std::vector<std::shared_ptr<const RawObject>>>(std::move(raw_));
  std::sort(skipped_.begin(), skipped_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.kind, a.api_version) < std::tie(b.kind, b.api_version);
  });
  out.skipped_ = std::move(skipped_);
  out.mesh_ = read_mesh_config(out.all<ConfigMap>(), out.files_, diagnostics);
  out.flags_ = read_feature_flags(out.all<Workload>(), out.all<Pod>(), out.all<ConfigMap>());
  out.detected_version_ = detect_istio_version(out.all<Workload>(), out.all<Pod>());
  *this = SnapshotBuilder();
  return out;
}

#define WAYPATH_FIND(T)                                                              \
  template std::shared_ptr<const T> Snapshot::find<T>(const ResourceKey& key) const; \
  template const T* Snapshot::find<T>(std::string_view ns, std::string_view name) const;
WAYPATH_FIND(Namespace)
WAYPATH_FIND(Node)
WAYPATH_FIND(Pod)
WAYPATH_FIND(Workload)
WAYPATH_FIND(ServiceAccount)
WAYPATH_FIND(ConfigMap)
WAYPATH_FIND(Service)
WAYPATH_FIND(EndpointSlice)
WAYPATH_FIND(Ingress)
WAYPATH_FIND(IngressClass)
WAYPATH_FIND(NetworkPolicy)
WAYPATH_FIND(ClusterPolicy)
WAYPATH_FIND(GatewayClass)
WAYPATH_FIND(Gateway)
WAYPATH_FIND(ListenerSet)
WAYPATH_FIND(ReferenceGrant)
WAYPATH_FIND(BackendTlsPolicy)
WAYPATH_FIND(HttpRoute)
WAYPATH_FIND(L4Route)
WAYPATH_FIND(AuthorizationPolicy)
WAYPATH_FIND(RequestAuthentication)
WAYPATH_FIND(PeerAuthentication)
WAYPATH_FIND(IstioGateway)
WAYPATH_FIND(VirtualService)
WAYPATH_FIND(DestinationRule)
WAYPATH_FIND(ServiceEntry)
WAYPATH_FIND(WorkloadEntry)
WAYPATH_FIND(Sidecar)
WAYPATH_FIND(UnmodelledPolicy)
#undef WAYPATH_FIND

}  // namespace waypath::model
