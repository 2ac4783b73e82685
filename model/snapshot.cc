#include "model/snapshot.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <type_traits>

#include "model/derive.h"
#include "model/derive_overlay.h"
#include "model/diagnostic_codes.h"
#include "model/istio/mesh_config_reader.h"
#include "model/same_content.h"

namespace waypath::model {
namespace {

template <class F, class... Ts>
void for_each_type(TypeList<Ts...> /*types*/, F fn) {
  (fn.template operator()<Ts>(), ...);
}

// Where the objects with these data stand once they are sorted by key. No template, as the rest here that
// need not know the types: it would be compiled once for each kind.
std::vector<std::uint32_t> key_order(const std::vector<const ObjectMeta*>& metas) {
  std::vector<std::uint32_t> order(metas.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return metas[a]->key < metas[b]->key; });
  return order;
}

template <class T>
void sort_by_key(std::vector<std::shared_ptr<const T>>& list) {
  bool sorted = true;  // as kubectl prints a kind
  for (std::size_t i = 1; i < list.size() && sorted; ++i)
    sorted = !(list[i]->meta.key < list[i - 1]->meta.key);
  if (sorted) return;
  std::vector<const ObjectMeta*> metas;
  metas.reserve(list.size());
  for (const auto& o : list) metas.push_back(&o->meta);
  std::vector<std::shared_ptr<const T>> out;
  out.reserve(list.size());
  for (const auto i : key_order(metas)) out.push_back(std::move(list[i]));
  list = std::move(out);
}

// A second object of the same identity, of which the first is used.
void report_again(const ObjectMeta& first, const ObjectMeta& second, bool same, const SourceFiles& files,
                  Diagnostics& diagnostics) {
  const auto object = second.key.str();
  const auto where = files.format(first.pos);
  if (same) {
    diagnostics.report({kObjectRepeated,
                        Severity::Info,
                        Reach::Input,
                        second.pos,
                        object,
                        "metadata.name",
                        {},
                        object + " stands here again, as in " + where,
                        {}});
  } else {
    diagnostics.report({kObjectDuplicate, Severity::Error, Reach::Input, second.pos, object, "metadata.name",
                        "Duplicate", object + " is defined differently in " + where,
                        "remove one of the two"});
  }
}

}  // namespace

Snapshot::Snapshot() = default;
Snapshot::Snapshot(const Snapshot&) = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(const Snapshot&) = default;
Snapshot& Snapshot::operator=(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() = default;

SnapshotBuilder::SnapshotBuilder() = default;
SnapshotBuilder::SnapshotBuilder(SnapshotBuilder&&) noexcept = default;
SnapshotBuilder& SnapshotBuilder::operator=(SnapshotBuilder&&) noexcept = default;
SnapshotBuilder::~SnapshotBuilder() = default;

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
  for_each_type(ResourceTypes(), [&]<class T>() {
    auto& slot = std::get<Slot<T>>(slots_);
    const auto list = base.all<T>();
    slot.reserve(list.size());
    for (const auto& o : list)
      if (o->meta.origin == Origin::Manifest) slot.push_back(o);
  });
}

bool SnapshotBuilder::remove(const ResourceKey& key) {
  bool removed = false;
  for_each_type(ResourceTypes(), [&]<class T>() {
    auto& slot = std::get<Slot<T>>(slots_);
    const auto end =
        std::remove_if(slot.begin(), slot.end(), [&](const auto& o) { return o->meta.key == key; });
    removed |= end != slot.end();
    slot.erase(end, slot.end());
  });
  return removed;
}

void SnapshotBuilder::add(AnyResource resource) {
  with_type(ResourceTypes(), resource.type(),
            [&]<class T>() { std::get<Slot<T>>(slots_).push_back(std::move(resource).template take<T>()); });
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
  for_each_type(ResourceTypes(), [&]<class T>() {
    auto& slot = std::get<Slot<T>>(slots_);
    sort_by_key(slot);
    std::vector<std::shared_ptr<const T>> unique;
    unique.reserve(slot.size());
    for (auto& o : slot) {
      if (unique.empty() || !(unique.back()->meta.key == o->meta.key)) {
        unique.push_back(std::move(o));
      } else {
        report_again(unique.back()->meta, o->meta, same_content(*unique.back(), *o), files_, diagnostics);
      }
    }
    slot.clear();
    std::get<ResourceList<T>>(out.lists_) =
        std::make_shared<const std::vector<std::shared_ptr<const T>>>(std::move(unique));
  });

  const auto replace = [&](auto list) {
    using T = std::remove_const_t<typename decltype(list)::value_type::element_type>;
    sort_by_key(list);
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
  auto gateway = derive_gateway_objects(
      {out.all<Gateway>(), out.all<GatewayClass>(), out.all<ListenerSet>(), out.all<Pod>(),
       out.all<Workload>(), out.all<Service>(), out.all<ServiceAccount>()},
      GatewayOverlays(out.all<ConfigMap>(), files_, diagnostics));
  replace(extended(std::move(gateway.workloads)));
  replace(extended(std::move(gateway.services)));
  replace(extended(std::move(gateway.accounts)));
  auto& pods = std::get<ResourceList<Pod>>(out.lists_);
  std::vector<std::shared_ptr<const Pod>> attributed(pods->begin(), pods->end());
  pods.reset();  // so that those which nobody else holds need not be copied
  attribute_pods(attributed, out.all<Workload>());
  pods = std::make_shared<const std::vector<std::shared_ptr<const Pod>>>(std::move(attributed));
  replace(extended(derive_pods(out.all<Pod>(), out.all<Workload>(), out.all<Node>())));

  // A namespace that is only named exists too, with the one label every namespace has.
  std::set<Symbol, TextLess> named;
  for_each_type(ResourceTypes(), [&]<class T>() {
    Symbol last;  // objects stand in the order of their namespaces
    for (const auto& o : out.all<T>())
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
