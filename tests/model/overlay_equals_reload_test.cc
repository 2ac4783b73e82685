// An overlay says what a load of the edited files says. Over every cluster that comes with the repository:
// each file is left out of the load and applied as a change, and labels are patched in the text and by a
// change.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "model/change.h"
#include "model/load/manifest_loader.h"
#include "tests/support/corpus.h"

namespace waypath {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): a test of this one header

template <class... Ts>
void each_type(TypeList<Ts...>, auto fn) {
  (fn(static_cast<const Ts*>(nullptr)), ...);
}

std::string describe(const Pod& p) {
  std::string out =
      " of " + p.workload_kind.str() + "/" + p.workload_name.str() + " sa " + p.spec.service_account.str();
  for (const auto& ip : p.ips) out += " " + ip.to_string();
  for (const auto& c : p.spec.containers)
    for (const auto& port : c.ports) out += " :" + std::to_string(port.port) + port.name.str();
  return out;
}
std::string describe(const Service& s) {
  std::string out;
  for (const auto& ip : s.cluster_ips) out += " " + ip.to_string();
  std::vector<std::string> selector;  // a patched object's maps are in the order of their keys
  for (const auto& [key, value] : s.selector) selector.push_back(" " + key.str() + "=" + value.str());
  std::sort(selector.begin(), selector.end());
  for (const auto& term : selector) out += term;
  for (const auto& p : s.ports)
    out += " :" + std::to_string(p.port) + p.name.str() + p.app_protocol.value_or("");
  return out;
}
std::string describe(const Workload& w) {
  std::string out = " replicas " + std::to_string(w.replicas.value_or(-1));
  for (const auto& l : w.template_labels.all()) out += " " + l.key.str() + "=" + l.value.str();
  return out;
}
std::string describe(const NetworkPolicy& p) {
  std::string out = p.pod_selector.str();
  for (const auto* rules : {&p.ingress, &p.egress})
    for (const auto& r : *rules)
      out += " " + std::to_string(r.peers.size()) + "x" + std::to_string(r.ports.size());
  return out;
}
template <class T>
std::string describe(const T&) {
  return {};
}

// Every object with what tells versions of it apart.
std::vector<std::string> fingerprint(const Snapshot& s) {
  std::vector<std::string> out;
  each_type(ResourceTypes{}, [&](auto type) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(type)>>;
    for (const auto& o : s.all<T>()) {
      std::string line =
          o->meta.key.str() +
          (o->meta.origin == Origin::Derived ? " derived from " + o->meta.derived_from.str() : "");
      for (const auto& l : o->meta.labels.all()) line += " " + l.key.str() + "=" + l.value.str();
      out.push_back(line + describe(*o));
    }
  });
  return out;
}

// Lines that only one of the two has; empty when they are alike.
std::string difference(const Snapshot& a, const Snapshot& b) {
  const auto x = fingerprint(a), y = fingerprint(b);
  std::string out;
  for (const auto& line : x)
    if (std::find(y.begin(), y.end(), line) == y.end()) out += "- " + line + "\n";
  for (const auto& line : y)
    if (std::find(x.begin(), x.end(), line) == x.end()) out += "+ " + line + "\n";
  return out.empty() && x != y ? "another order" : out;
}

std::vector<std::vector<SourceFile>> clusters() {
  std::vector<std::vector<SourceFile>> out;
  for (const char* name : {"bigbang-waypoint", "bigbang-gateway", "bigbang-sidecar", "package-operator"}) {
    std::vector<SourceFile> files;
    const auto folder = tests::source_dir() + "/scenarios/clusters/" + name;
    for (const auto& path : tests::manifests_below(folder))
      files.push_back(
          {std::filesystem::path(path).lexically_relative(folder).string(), tests::read_text(path)});
    REQUIRE(files.size() > 3);
    out.push_back(std::move(files));
  }
  return out;
}

}  // namespace

TEST_CASE("a file applied as a change gives what loading it with the others gives") {
  for (const auto& files : clusters()) {
    Diagnostics d;
    const auto expected = load_texts(files, {}, d);
    for (std::size_t out = 0; out < files.size(); ++out) {
      auto rest = files;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(out));
      const auto base = load_texts(rest, {}, d);
      const auto after =
          apply_changes(base, std::vector<Change>{{ApplyChange{files[out].path, files[out].text}, {}}}, d);
      INFO(files[out].path);
      CHECK("" == difference(expected, after));
    }
    CHECK_FALSE(d.has_input_errors());
  }
}

TEST_CASE("a file applied over itself changes nothing") {
  for (const auto& files : clusters()) {
    Diagnostics d;
    const auto base = load_texts(files, {}, d);
    for (const auto& file : files) {
      const auto after = apply_changes(base, std::vector<Change>{{ApplyChange{file.path, file.text}, {}}}, d);
      INFO(file.path);
      CHECK("" == difference(base, after));
    }
  }
}

TEST_CASE("a label added to any object and removed again leaves it as it was") {
  for (const auto& files : clusters()) {
    Diagnostics d;
    const auto base = load_texts(files, {}, d);
    for (const auto* meta : all_objects(base)) {
      if (meta->origin == Origin::Derived) continue;
      const auto name = meta->key.kind.str() + "." + meta->key.group.str() +
                        meta->key.str().substr(meta->key.kind.view().size());
      const std::vector<Change> changes{{LabelChange{{name, {}}, {{"example.com/probe", "on"}}}, {}},
                                        {LabelChange{{name, {}}, {{"example.com/probe", std::nullopt}}}, {}}};
      INFO(name);
      CHECK("" == difference(base, apply_changes(base, changes, d)));
    }
    for (const auto& item : d.items()) UNSCOPED_INFO(item.message);
    CHECK_FALSE(d.has_input_errors());
  }
}

TEST_CASE("deleting every object leaves nothing, in any order of kinds") {
  for (const auto& files : clusters()) {
    Diagnostics d;
    const auto base = load_texts(files, {}, d);
    std::vector<ResourceKey> keys;
    for (const auto* meta : all_objects(base))
      if (meta->origin == Origin::Manifest) keys.push_back(meta->key);
    auto current = base;
    for (const auto& key : keys) {
      const bool there = [&] {
        for (const auto* meta : all_objects(current))
          if (meta->key == key && meta->origin == Origin::Manifest) return true;
        return false;
      }();
      if (!there) continue;
      const auto name = key.kind.str() + "." + key.group.str() + key.str().substr(key.kind.view().size());
      current = apply_changes(current, std::vector<Change>{{DeleteChange{{name, {}}}, {}}}, d);
    }
    CHECK(fingerprint(current).empty());
    for (const auto& item : d.items()) UNSCOPED_INFO(item.message);
    CHECK_FALSE(d.has_input_errors());
  }
}

}  // namespace waypath
