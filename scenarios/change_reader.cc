#include "scenarios/change_reader.h"

#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "model/istio/profile.h"
#include "model/yaml/node_builder.h"
#include "scenarios/flow_reader.h"
#include "scenarios/keys.h"

namespace waypath::scenarios {
namespace {

using model::Field;
namespace error_type = model::error_type;
namespace fs = std::filesystem;

model::ObjectRef read_ref(const Field& f) { return {f.text(), f.pos()}; }

std::string json_of(const Field& f) {
  return f.present() ? model::yaml::to_json(*f.node()).dump() : std::string();
}

model::ApplyChange read_apply(const Field& f, bool must_be_new, const std::string& path) {
  model::ApplyChange apply;
  apply.must_be_new = must_be_new;
  if (f.node()->is_mapping() || f.node()->is_sequence()) {
    apply.path = path;
    apply.first_line = f.pos().line;
    if (f.node()->is_mapping()) {
      apply.text = json_of(f);
    } else {
      f.each([&](const Field& item) { apply.text += json_of(item) + "\n"; });
    }
    return apply;
  }
  apply.path = beside(path, f.text());
  std::error_code error;
  std::ifstream in(apply.path, std::ios::binary);
  if (!in || fs::is_directory(apply.path, error)) {
    f.reject(error_type::kInvalid,
             "\"" + apply.path + "\" cannot be read; expected a file of manifests or an object",
             "paths are relative to this file");
  } else {
    apply.text.assign(std::istreambuf_iterator<char>(in), {});
  }
  return apply;
}

std::optional<model::Change> read_change(const Field& f, const std::string& path) {
  static constexpr std::array<std::string_view, 8> kVerbs{"apply", "create", "delete", "patch",
                                                          "label", "scale",  "fail",   "istioVersion"};
  // Which words go with which verb; a stray one would be read by nobody.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kCompanions{
      std::pair{"json", "patch"}, std::pair{"merge", "patch"}, std::pair{"labels", "label"},
      std::pair{"replicas", "scale"}};
  if (!f.only(keys::kChange)) return std::nullopt;
  std::string_view verb;
  int verbs = 0;
  for (const auto v : kVerbs) {
    if (!f[v]) continue;
    ++verbs;
    verb = v;
  }
  if (verbs != 1) {
    f.reject(error_type::kInvalid, "a change does exactly one thing",
             "apply, create, delete, patch, label, scale, fail or istioVersion; a second change is a further "
             "entry of the list");
    return std::nullopt;
  }
  for (const auto& [word, with] : kCompanions)
    if (f[word] && with != verb)
      f[word].reject(error_type::kForbidden,
                     "\"" + std::string(word) + "\" belongs to \"" + std::string(with) + "\"");
  model::Change c;
  c.pos = f.pos();
  const Field object = f[verb];
  if (verb == "apply" || verb == "create") {
    c.what = read_apply(object, verb == "create", path);
  } else if (verb == "delete") {
    c.what = model::DeleteChange{read_ref(object)};
  } else if (verb == "patch") {
    if (f["json"].present() == f["merge"].present())
      f.reject(error_type::kInvalid, "a patch has either json (RFC 6902) or merge (RFC 7396)");
    const Field body = f["json"] ? f["json"] : f["merge"];
    if (f["json"].present() && !f["json"].node()->is_sequence())
      f["json"].reject(error_type::kInvalid, "a JSON patch is a list of operations",
                       "json: [{op: remove, path: /spec/rules/0}]");
    if (f["merge"].present() && !f["merge"].node()->is_mapping())
      f["merge"].reject(error_type::kInvalid, "a merge patch is a part of the object",
                        "merge: {spec: {...}}");
    c.what = model::PatchChange{read_ref(object), f["json"].present(), body ? json_of(body) : "[]", path};
  } else if (verb == "label") {
    model::LabelChange label{read_ref(object), {}};
    f["labels"].each_member([&](std::string_view key, const Field& v) {
      label.labels.emplace_back(std::string(key), v.present() ? std::optional(scalar_text(v)) : std::nullopt);
    });
    if (label.labels.empty())
      f["labels"].reject(error_type::kRequired, "the labels are missing",
                         "labels: {key: value}; null removes one");
    c.what = std::move(label);
  } else if (verb == "scale") {
    const auto replicas = f["replicas"].integer();
    if (!replicas) f["replicas"].reject(error_type::kRequired, "the number of replicas is missing");
    if (replicas && (*replicas < 0 || *replicas > 100000))
      f["replicas"].reject(error_type::kInvalid, "expected 0 to 100000");
    c.what = model::ScaleChange{read_ref(object), static_cast<int>(replicas.value_or(0))};
  } else if (verb == "fail") {
    c.what = model::FailChange{read_ref(object)};
  } else {
    auto version = scalar_text(object);
    if (!model::parse_istio_version(version))
      object.reject(error_type::kInvalid, "\"" + version + "\" is no Istio version",
                    "write \"1.28\" or \"1.28.3\"");
    c.what = model::VersionChange{std::move(version)};
  }
  return c;
}

}  // namespace

std::string beside(const std::string& path, const std::string& written) {
  if (written == "-" || fs::path(written).is_absolute()) return written;
  return (fs::path(path).parent_path() / written).lexically_normal().string();
}

std::vector<model::Change> read_changes(const Field& list, const std::string& path) {
  std::vector<model::Change> out;
  list.each([&](const Field& f) {
    if (auto c = read_change(f, path)) out.push_back(std::move(*c));
  });
  return out;
}

}  // namespace waypath::scenarios
