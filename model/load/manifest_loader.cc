#include "model/load/manifest_loader.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "model/base/mapped_sources.h"
#include "model/base/parallel.h"
#include "model/diagnostic_codes.h"
#include "model/load/file_source.h"
#include "model/load/helm_hook.h"
#include "model/load/kind_table.h"
#include "model/load/load_cache.h"
#include "model/load/split_files.h"
#include "model/load/template_text.h"
#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model {
namespace {

struct KindCount {
  std::size_t count = 0;
  SourcePos first;
};

// What some slices gave, one after the other: filled by any thread, merged in input order.
struct SliceResults {
  std::vector<LoadedObject> objects;
  Diagnostics diagnostics;
  std::vector<std::tuple<std::string, std::string, SourcePos>> skipped;  // apiVersion, kind
  std::vector<SourcePos> hooks, defaulted;
  std::vector<TemplateText> templates;
  std::size_t documents = 0, parsed = 0, by_reference_reader = 0;
};

bool skippable(const Task& task, std::string_view text) {
  const auto& s = task.slice;
  if (!s.peeked || s.kind.empty() || s.api_version.empty()) return false;
  const auto [group, version] = split_api_version(s.api_version);
  const KindRow* row = find_kind(group, s.kind);
  if (row == nullptr) return !s.kind.ends_with("List");
  if (row->support == KindSupport::NoEffect || (group.empty() && version != "v1")) return true;
  const bool config = group.empty() && (s.kind == "ConfigMap" || s.kind == "Secret");
  return config && !config_matters(s.kind, s.name, text.substr(s.offset, s.length));
}

// Kinds of which every object is read: no need to look at one twice.
bool always_read(const yaml::KindName& name) {
  const auto [group, version] = split_api_version(name.api_version);
  const KindRow* row = find_kind(group, name.kind);
  return row != nullptr && row->support == KindSupport::Modelled &&
         !(group.empty() && (version != "v1" || name.kind == "ConfigMap" || name.kind == "Secret"));
}

// kustomize knows its files by name, and fills in their kind and apiVersion. Source: kustomize
// api/konfig/general.go RecognizedKustomizationFileNames, api/types/kustomization.go FixKustomization
void default_kustomization(std::string_view path, std::string_view& api_version, std::string_view& kind) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name != "kustomization.yaml" && name != "kustomization.yml" && name != "Kustomization") return;
  if (kind.empty()) kind = "Kustomization";
  if (api_version.empty())
    api_version =
        kind == "Component" ? "kustomize.config.k8s.io/v1alpha1" : "kustomize.config.k8s.io/v1beta1";
}

// What describes a chart has an apiVersion and is no object. Source: helm pkg/chartutil/chartfile.go
// (ChartfileName)
bool describes_chart(std::string_view path, std::string_view kind) {
  return kind.empty() && path.substr(path.rfind('/') + 1) == "Chart.yaml";
}

class SliceLoader {
 public:
  SliceLoader(Task& task, const SourceFiles& sources, const LoadOptions& options, SliceResults& out)
      : task_(task), sources_(sources), text_(sources.text(task.file)), options_(options), out_(out) {}

  void run() {
    ++out_.documents;
    const yaml::KindName first = yaml::peek_kind(text_, task_.slice);
    const bool read_anyway = !first.kind.empty() && always_read(first);
    if (!read_anyway) yaml::peek(text_, task_.slice);
    if (!read_anyway && skippable(task_, text_)) {
      out_.skipped.emplace_back(std::string(task_.slice.api_version), std::string(task_.slice.kind),
                                position(task_.slice));
      return;
    }
    Diagnostics problems;
    const auto document = yaml::read_slice(text_, task_.slice, task_.file, problems, {.borrow = true});
    if (!document && is_action(problems)) return;
    out_.diagnostics.append(std::move(problems));
    if (!document || document->root == nullptr) return;
    ++out_.parsed;
    if (document->by_reference_reader) ++out_.by_reference_reader;
    object(*document->root, task_.slice.item);
  }

 private:
  [[nodiscard]] std::string_view body() const { return text_.substr(task_.slice.offset, task_.slice.length); }

  /// Whether the document cannot be read because it is a template: its first action stands no later than what
  /// is wrong with it.
  bool is_action(const Diagnostics& problems) {
    auto action = first_action(body(), position(task_.slice));
    if (!action) return false;
    const auto before = [&](const Diagnostic& d) { return d.pos.known() && d.pos.line < action->pos.line; };
    if (std::any_of(problems.items().begin(), problems.items().end(), before)) return false;
    out_.templates.push_back(std::move(*action));
    return true;
  }

  /// Whether an object with this metadata may hold what was not rendered; those of a live cluster do not.
  bool may_be_template(const yaml::Node* metadata) {
    if (task_.slice.json || (metadata != nullptr && metadata->find("uid") != nullptr)) return false;
    if (!holds_template_) holds_template_ = may_hold_template(body());
    return *holds_template_;
  }

  [[nodiscard]] SourcePos position(const yaml::Slice& s) const {
    return {task_.file, s.first_line, s.first_column};
  }

  void report(Code code, Severity severity, SourcePos pos, std::string message, std::string hint) {
    out_.diagnostics.report(
        {code, severity, Reach::Input, pos, {}, {}, {}, std::move(message), std::move(hint)});
  }

  static std::string_view scalar(const yaml::Node& root, std::string_view key) {
    const auto* node = root.find(key);
    return node != nullptr && node->is_scalar() ? node->scalar : std::string_view{};
  }

  void object(const yaml::Node& root, int item) {
    if (root.is_null()) return;
    if (!root.is_mapping()) {
      // Lists of something else lie about in folders; text is what is left of a command that failed.
      report(kObjectNotAnObject, root.is_sequence() ? Severity::Warning : Severity::Error, root.pos,
             "expected a Kubernetes object (a mapping with apiVersion and kind)",
             "leave out text that is no manifest, or give the manifests' folder alone");
      return;
    }
    auto api_version = scalar(root, "apiVersion"), kind = scalar(root, "kind");
    if (kind.empty() && task_.slice.item >= 0) {  // an item of a PodList: the list says what it is
      kind = task_.slice.kind.empty() ? task_.slice.list_kind : task_.slice.kind;
      if (api_version.empty())
        api_version =
            task_.slice.api_version.empty() ? task_.slice.list_api_version : task_.slice.api_version;
    }
    if (item < 0 && (api_version.empty() || kind.empty()))
      default_kustomization(sources_.path(task_.file), api_version, kind);
    if (item < 0 && describes_chart(sources_.path(task_.file), kind)) {
      report(kObjectNotAnObject, Severity::Warning, root.pos,
             "a Helm chart: what it renders to is not among the manifests",
             "give what it renders to: `helm template DIR | waypath ... -f -`");
      return;
    }
    // Values files of charts have a key `kind` now and then, never both of an object's other two.
    if (api_version.empty() && (kind.empty() || root.find("metadata") == nullptr)) {
      report(kObjectNotAnObject, Severity::Warning, root.pos,
             kind.empty() ? "neither apiVersion nor kind: no Kubernetes object, left out"
                          : "neither apiVersion nor metadata: no Kubernetes object, left out",
             "keep values files and the like out of the paths given with -f");
      return;
    }
    if (api_version.empty() || kind.empty()) {
      report(kObjectNotAnObject, Severity::Error, root.pos,
             api_version.empty() ? "kind " + std::string(kind) + " without apiVersion"
                                 : "apiVersion " + std::string(api_version) + " without kind",
             "every object needs both");
      return;
    }
    const auto* items = root.find("items");
    if (kind.size() >= 4 && kind.substr(kind.size() - 4) == "List" && items != nullptr) {
      list(*items, std::string_view(kind).substr(0, kind.size() - 4), api_version);
      return;
    }
    decode(root, api_version, kind, item);
  }

  // `kubectl get -o yaml` prints kind List; API responses print PodList and leave kind and apiVersion of the
  // items out.
  void list(const yaml::Node& items, std::string_view item_kind, std::string_view api_version) {
    if (!items.is_sequence()) return;
    for (std::size_t i = 0; i < items.items.size(); ++i) {
      const auto& item = *items.items[i];
      if (!item.is_mapping()) continue;
      if (!item_kind.empty() && scalar(item, "kind").empty()) {
        decode(item, api_version, item_kind, static_cast<int>(i));
      } else {
        object(item, static_cast<int>(i));
      }
    }
  }

  void decode(const yaml::Node& root, std::string_view api_version, std::string_view kind, int item) {
    const auto [group, version] = split_api_version(api_version);
    const KindRow* row = find_kind(group, kind);
    const bool config = group.empty() && (kind == "ConfigMap" || kind == "Secret");
    const auto* metadata = root.find("metadata");
    if (row == nullptr || row->support == KindSupport::NoEffect || (group.empty() && version != "v1") ||
        (config && !config_matters(kind, metadata != nullptr ? scalar(*metadata, "name") : std::string_view{},
                                   text_.substr(task_.slice.offset, task_.slice.length)))) {
      out_.skipped.emplace_back(std::string(api_version), std::string(kind), root.pos);
      return;
    }
    if (metadata != nullptr && metadata->is_mapping()) {
      if (passing_hook(*metadata, kind)) {
        out_.hooks.push_back(root.pos);
        return;
      }
    }
    if (auto found = may_be_template(metadata) ? first_template(root) : std::nullopt)
      out_.templates.push_back(std::move(*found));
    DecodeContext context(out_.diagnostics);
    const Field field(context, root);
    auto meta = decode_meta(field, intern(kind), intern(group), row->namespaced, options_.default_namespace);
    if (row->namespaced && (metadata == nullptr || scalar(*metadata, "namespace").empty()) &&
        !context.rejected)
      out_.defaulted.push_back(root.pos);
    check_version(*row, version, field);
    LoadedObject object;
    object.raw.key = meta.key;
    object.raw.file = task_.file;
    object.raw.offset = task_.slice.offset;
    object.raw.length = task_.slice.length;
    object.raw.first_line = task_.slice.first_line;
    object.raw.item = item;
    row->decode(field, std::move(meta), object.resources);
    if (context.rejected) return;
    if (row->support == KindSupport::Unmodelled || row->support == KindSupport::MakesPods)
      out_.skipped.emplace_back(std::string(api_version), std::string(kind), root.pos);
    out_.objects.push_back(std::move(object));
  }

  static void check_version(const KindRow& row, std::string_view version, const Field& root) {
    std::string_view rest = row.versions;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      if (rest.substr(0, comma) == version) return;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    root["apiVersion"].warn(
        kKindVersionUnknown,
        "version " + std::string(version) + " of " + std::string(row.kind) + " is not known here",
        "read as " + std::string(row.versions.substr(0, row.versions.find(','))));
  }

  Task& task_;
  const SourceFiles& sources_;
  std::string_view text_;
  const LoadOptions& options_;
  SliceResults& out_;
  std::optional<bool> holds_template_;  // of the whole slice, once it was looked at
};

// The group without a name is Kubernetes' own and has one version, so that what it lacks is a slip of the
// pen; kinds of named groups may come from a CRD. What to write then; empty when the kind may exist. Source:
// kubernetes apimachinery pkg/runtime/schema/group_version.go ParseGroupVersion
std::string not_served(std::string_view kind, std::string_view api_version) {
  const auto [group, version] = split_api_version(api_version);
  if (!group.empty()) return {};
  std::string known;
  for (const KindRow& row : kind_table())
    if (row.kind == kind && row.support != KindSupport::Unmodelled && known.empty())
      known = (row.group.empty() ? "" : std::string(row.group) + "/") +
              std::string(row.versions.substr(0, row.versions.find(',')));
  if (version == "v1" && (known.empty() || known == "v1")) return {};
  return known.empty() ? "an apiVersion without \"/\" is v1" : "write apiVersion: " + known;
}

class Merger {
 public:
  Merger(SnapshotBuilder& builder, Diagnostics& diagnostics, LoadStats& stats,
         std::vector<ResourceKey>* loaded, LoadCache* cache)
      : builder_(builder), diagnostics_(diagnostics), stats_(stats), loaded_(loaded), cache_(cache) {}

  void add(SliceResults&& result) {
    diagnostics_.append(std::move(result.diagnostics));
    stats_.documents += result.documents;
    stats_.skipped_documents += result.documents - result.parsed;
    stats_.reference_documents += result.by_reference_reader;
    for (auto& object : result.objects) {
      stats_.objects += object.resources.size();
      if (cache_ != nullptr) cache_->add(object);
      put(std::move(object));
    }
    for (auto& [api_version, kind, pos] : result.skipped)
      count(skipped_[{std::move(kind), std::move(api_version)}], pos);
    for (const auto pos : result.hooks) count(hooks_, pos);
    for (const auto pos : result.defaulted) count(defaulted_, pos);
    for (auto& found : result.templates) {
      const auto [at, added] = templates_.try_emplace(found.pos.file, std::move(found));
      if (!added && at->second.readable && !found.readable) at->second = std::move(found);
    }
  }

  void put(LoadedObject&& object) {
    const auto raw = builder_.add_raw(std::move(object.raw));
    for (auto& resource : object.resources) {
      resource.meta().raw = raw;
      if (loaded_ != nullptr) loaded_->push_back(resource.meta().key);
      builder_.add(std::move(resource));
    }
  }

  [[nodiscard]] const std::vector<Snapshot::Skipped>& skipped_kinds() const { return skipped_kinds_; }

  void finish(const LoadOptions& options) {
    for (const auto& [file, found] : templates_) diagnostics_.report(template_not_rendered(found));
    for (const auto& [key, counted] : skipped_) {
      const auto& [kind, api_version] = key;
      const KindRow* row = find_kind(split_api_version(api_version).first, kind);
      const auto number =
          std::to_string(counted.count) + " " + kind + (counted.count == 1 ? " object" : " objects");
      if (const std::string served = not_served(kind, api_version); !served.empty()) {
        diagnostics_.report(
            {kKindVersionUnknown, Severity::Error, Reach::Rejected, counted.first, kind, "apiVersion",
             std::string(error_type::kNotSupported),
             "no API server has kind " + kind + " in " + api_version + "; " + number + " left out", served});
      } else if (row == nullptr) {
        diagnostics_.report({kKindUnknown,
                             Severity::Info,
                             Reach::Input,
                             counted.first,
                             {},
                             {},
                             {},
                             number + " of " + api_version + ": not known here, left out",
                             {}});
      } else if (row->support == KindSupport::MakesPods) {
        diagnostics_.report(
            {kKindNotModelled,
             Severity::Info,
             Reach::Input,
             counted.first,
             {},
             {},
             {},
             number + " of " + api_version + ": the pods that its operator makes are not derived from it",
             "give the pods as well; Services that select none of those given are unknown"});
      } else if (row->support == KindSupport::Unmodelled) {
        diagnostics_.report(
            {kKindNotModelled,
             Severity::Warning,
             Reach::Input,
             counted.first,
             {},
             {},
             {},
             number + " of " + api_version + ": this kind is not modelled; " + std::string(row->note),
             "read verdicts for what it touches with that in mind"});
      } else if (!row->note.empty()) {
        diagnostics_.report({kKindNotModelled,
                             Severity::Warning,
                             Reach::Input,
                             counted.first,
                             {},
                             {},
                             {},
                             number + " of " + api_version + ": " + std::string(row->note),
                             "give what it builds: `kubectl kustomize DIR | waypath ... -f -`"});
      }
      skipped_kinds_.push_back({api_version, kind, counted.count});
      builder_.add_skipped(api_version, kind, counted.count);
    }
    if (hooks_.count != 0)
      diagnostics_.report({kHelmHookIgnored,
                           Severity::Info,
                           Reach::Input,
                           hooks_.first,
                           {},
                           {},
                           {},
                           std::to_string(hooks_.count) +
                               " Helm hook object(s) left out: they are gone again when the release stands",
                           {}});
    if (defaulted_.count != 0)
      diagnostics_.report({kNamespaceDefaulted,
                           Severity::Info,
                           Reach::Input,
                           defaulted_.first,
                           {},
                           {},
                           {},
                           std::to_string(defaulted_.count) +
                               " object(s) without metadata.namespace taken to be in namespace \"" +
                               options.default_namespace + "\"",
                           {}});
  }

 private:
  static void count(KindCount& counter, SourcePos pos) {
    if (counter.count++ == 0) counter.first = pos;
  }
  SnapshotBuilder& builder_;
  Diagnostics& diagnostics_;
  LoadStats& stats_;
  std::vector<ResourceKey>* loaded_;
  LoadCache* cache_;
  std::vector<Snapshot::Skipped> skipped_kinds_;
  std::map<std::pair<std::string, std::string>, KindCount> skipped_;
  KindCount hooks_, defaulted_;
  std::map<std::uint32_t, TemplateText>
      templates_;  // of each file the first; one that cannot be read before others
};

// Gives back the memory of texts that were decoded.
void release(const SourceFiles& sources, std::span<const Task> tasks) {
  const Task &first = tasks.front(), &last = tasks.back();
  const MappedFile* const mapped = mapped_file(sources, first.file);
  if (mapped != nullptr && first.file == last.file)
    mapped->release(first.slice.offset, last.slice.offset + last.slice.length - first.slice.offset);
}

void load_files(SnapshotBuilder& builder, const std::vector<std::uint32_t>& files, const LoadOptions& options,
                Diagnostics& diagnostics, LoadStats* stats, std::vector<ResourceKey>* loaded,
                LoadCache* cache = nullptr) {
  const SourceFiles& sources = builder.files();
  const std::size_t known_diagnostics = diagnostics.items().size();
  std::vector<Task> tasks = split_files(sources, files, options.jobs, diagnostics);
  LoadStats own;
  LoadStats& counted = stats != nullptr ? *stats : own;
  for (const auto file : files) counted.bytes += text_bytes(sources, file);
  Merger merger(builder, diagnostics, counted, loaded, cache);
  // Batches keep few results at a time beside the snapshot.
  constexpr std::size_t kBatch = 2048, kGrain = 16;
  for (std::size_t begin = 0; begin < tasks.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, tasks.size());
    std::vector<SliceResults> results((end - begin + kGrain - 1) / kGrain);
    parallel_for_index(results.size(), options.jobs, [&](std::size_t grain) {
      const std::size_t last = std::min(begin + (grain + 1) * kGrain, end);
      const std::size_t first = begin + grain * kGrain;
      for (std::size_t i = first; i < last; ++i)
        SliceLoader(tasks[i], sources, options, results[grain]).run();
      release(sources, std::span(tasks).subspan(first, last - first));
    });
    for (auto& result : results) merger.add(std::move(result));
  }
  merger.finish(options);
  if (cache == nullptr) return;
  LoadedRest rest;
  rest.diagnostics.assign(diagnostics.items().begin() + static_cast<std::ptrdiff_t>(known_diagnostics),
                          diagnostics.items().end());
  rest.skipped = merger.skipped_kinds();
  rest.stats = counted;
  cache->write(rest);
}

// The same from an image, when there is one of these inputs; else read, and an image made.
void load_cached(SnapshotBuilder& builder, const std::vector<std::uint32_t>& files, std::size_t on_disk,
                 const LoadOptions& options, Diagnostics& diagnostics, LoadStats* stats,
                 std::int64_t started) {
  LoadStats own;
  LoadStats& counted = stats != nullptr ? *stats : own;
  const SourceFiles sources = builder.files();
  LoadCache cache(options.cache_directory, sources, files, on_disk, options, started);
  LoadedRest rest;
  Merger merger(builder, diagnostics, counted, nullptr, nullptr);
  if (cache.read(
          options.jobs, [&](LoadedObject&& object) { merger.put(std::move(object)); }, rest)) {
    for (auto& d : rest.diagnostics) diagnostics.report(std::move(d));
    for (auto& s : rest.skipped) builder.add_skipped(std::move(s.api_version), std::move(s.kind), s.count);
    counted = rest.stats;
    counted.cache_remark = cache.remark();
    return;
  }
  const std::string why = cache.remark();
  builder = SnapshotBuilder();
  builder.files() = sources;
  load_files(builder, files, options, diagnostics, &counted, nullptr, &cache);
  counted.cache_remark = cache.remark() == why ? why : why + "\n" + cache.remark();
}

}  // namespace

bool has_refusals(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.items().begin(), diagnostics.items().end(), [](const Diagnostic& d) {
    return d.severity == Severity::Error || d.reach == Reach::Rejected;
  });
}

Snapshot load_manifests(const std::vector<std::string>& paths, const std::vector<SourceFile>& texts,
                        const LoadOptions& options, Diagnostics& diagnostics, LoadStats* stats) {
  SnapshotBuilder builder;
  const std::int64_t started = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count();
  auto files = read_sources(paths, builder.files(), diagnostics);
  const std::size_t on_disk = files.size();
  for (const auto& file : texts) files.push_back(builder.files().add(file.path, file.text));
  if (options.cache_directory.empty()) {
    load_files(builder, files, options, diagnostics, stats, nullptr);
  } else {
    load_cached(builder, files, on_disk, options, diagnostics, stats, started);
  }
  const SourceFiles sources = builder.files();
  Snapshot out = builder.build(diagnostics);
  for (const std::uint32_t file : settle(sources))
    diagnostics.report({yaml::kInputUnreadable,
                        Severity::Error,
                        Reach::Input,
                        {},
                        {},
                        {},
                        {},
                        "\"" + std::string(sources.path(file)) + "\" was changed while it was read",
                        "try again when nothing writes to it"});
  return out;
}

Snapshot load_manifests(const std::vector<std::string>& paths, const LoadOptions& options,
                        Diagnostics& diagnostics, LoadStats* stats) {
  return load_manifests(paths, {}, options, diagnostics, stats);
}

Snapshot load_texts(const std::vector<SourceFile>& texts, const LoadOptions& options,
                    Diagnostics& diagnostics, LoadStats* stats) {
  return load_manifests({}, texts, options, diagnostics, stats);
}

bool load_into(SnapshotBuilder& builder, std::string path, std::string text, const LoadOptions& options,
               Diagnostics& diagnostics, std::vector<ResourceKey>* loaded) {
  Diagnostics own;
  const auto file = builder.files().add(std::move(path), std::move(text));
  load_files(builder, {file}, options, own, nullptr, loaded);
  const bool ok = !own.has_errors();
  diagnostics.append(std::move(own));
  return ok;
}

bool load_object(SnapshotBuilder& builder, const yaml::Node& root, RawObject raw, const LoadOptions& options,
                 Diagnostics& diagnostics) {
  const auto text = [&](std::string_view key) {
    const auto* node = root.find(key);
    return node != nullptr && node->is_scalar() ? node->scalar : std::string_view{};
  };
  const auto [group, version] = split_api_version(text("apiVersion"));
  const KindRow* row = find_kind(group, text("kind"));
  if (row == nullptr || row->decode == nullptr) {
    diagnostics.report({kChangeFailed,
                        Severity::Error,
                        Reach::Input,
                        root.pos,
                        raw.key.str(),
                        {},
                        {},
                        "the result is no object of a kind that is modelled",
                        {}});
    return false;
  }
  DecodeContext context(diagnostics);
  const Field field(context, root);
  auto meta =
      decode_meta(field, intern(text("kind")), intern(group), row->namespaced, options.default_namespace);
  raw.key = meta.key;
  Decoded resources;
  row->decode(field, std::move(meta), resources);
  if (context.rejected) return false;
  const auto index = builder.add_raw(std::move(raw));
  for (auto& resource : resources) {
    resource.meta().raw = index;
    builder.add(std::move(resource));
  }
  return true;
}

}  // namespace waypath::model
