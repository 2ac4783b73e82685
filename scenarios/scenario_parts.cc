#include "scenarios/scenario_parts.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"
#include "scenarios/change_reader.h"
#include "scenarios/scenario.h"
#include "scenarios/template.h"

namespace waypath::scenarios {
namespace {

using model::yaml::Document;
using model::yaml::Node;

constexpr std::string_view kScenario = "Scenario", kPart = "ScenarioPart";

std::string_view kind_of(const Document& d) {
  const Node* kind = d.root == nullptr ? nullptr : d.root->find("kind");
  return kind != nullptr && kind->is_scalar() ? kind->scalar : std::string_view{};
}

class Collector {
 public:
  Collector(model::SourceFiles& files, model::Diagnostics& diagnostics)
      : files_(files), diagnostics_(diagnostics) {}

  void add(const std::string& path, const std::string& text) {
    const auto file = files_.add(path, text);
    open_.push_back(identity(path));
    seen_.push_back(open_.back());
    ScenarioFile out;
    out.path = path;
    out.documents = model::yaml::read_documents(text, file, diagnostics_, {.prune = false});
    out.root = scenario_of(out, file);
    if (out.root != nullptr) {
      include(*out.root, path);
      variables(*out.root);
      files_in_order_.push_back(std::move(out));
    }
    open_.pop_back();
  }

  std::vector<ScenarioFile> take() {
    // Values stand in documents of other files: all are put in before any document goes.
    for (ScenarioFile& file : files_in_order_) {
      file.documents.push_back(substitute(*file.root, variables_, diagnostics_));
      file.root = file.documents.back().root;
      file.documents.push_back(with_defaults(*file.root));
      file.root = file.documents.back().root;
    }
    return std::move(files_in_order_);
  }

 private:
  static std::string identity(const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  }

  void report(model::SourcePos pos, const char* field, std::string message, std::string hint) {
    diagnostics_.report({kScenarioInvalid,
                         model::Severity::Error,
                         model::Reach::Input,
                         pos,
                         {},
                         field,
                         {},
                         std::move(message),
                         std::move(hint)});
  }

  const Node* scenario_of(ScenarioFile& out, std::uint32_t file) {
    const bool included = open_.size() > 1;
    const Node* found = nullptr;
    for (const Document& d : out.documents) {
      const auto kind = kind_of(d);
      if (kind == kScenario || kind == kPart) {
        if (found != nullptr)
          report(d.root->pos, "kind", "a file holds one Scenario", "put the second into a file of its own");
        if (found == nullptr) found = d.root;
        if (kind == kPart && !included)
          report(d.root->pos, "kind", "a ScenarioPart is run by the scenarios that include it",
                 "give one of them, or write kind: Scenario");
      } else if (d.root != nullptr && !d.root->is_null()) {
        ++out.objects;
      }
    }
    if (found == nullptr && !diagnostics_.has_errors())
      report({file, 1, 1}, "kind", "no document with kind: Scenario",
             included ? "what is included starts with apiVersion: waypath.dev/v1 and kind: ScenarioPart"
                      : "start with apiVersion: waypath.dev/v1 and kind: Scenario");
    return found;
  }

  void include(const Node& root, const std::string& path) {
    const Node* list = root.find("include");
    if (list == nullptr) return;
    std::vector<const Node*> entries;
    if (list->is_scalar()) entries.push_back(list);
    if (list->is_sequence()) entries.assign(list->items.begin(), list->items.end());
    for (const Node* entry : entries) {
      if (!entry->is_scalar()) continue;  // the reader reports its type
      const std::string other = beside(path, std::string(entry->scalar));
      if (std::find(open_.begin(), open_.end(), identity(other)) != open_.end()) {
        report(entry->pos, "include", "\"" + other + "\" includes itself", "take one of the includes out");
        continue;
      }
      if (std::find(seen_.begin(), seen_.end(), identity(other)) != seen_.end()) continue;
      if (const auto text = read_text_file(other, entry->pos, diagnostics_)) add(other, *text);
    }
  }

  // What a file states itself wins over what it includes.
  void variables(const Node& root) {
    const Node* stated = root.find("variables");
    if (stated == nullptr) return;
    for (const auto& member : stated->members) {
      if (member.value->is_scalar() && member.value->scalar.find("${") != std::string_view::npos)
        report(member.value->pos, "variables", "the value of a variable uses another", "write its value out");
      variables_.insert_or_assign(std::string(member.key), member.value);
    }
  }

  model::SourceFiles& files_;
  model::Diagnostics& diagnostics_;
  std::vector<std::string> open_, seen_;  // identities
  std::vector<ScenarioFile> files_in_order_;
  Variables variables_;
};

}  // namespace

std::vector<ScenarioFile> read_scenario_files(const std::string& path, const std::string& text,
                                              model::SourceFiles& files, model::Diagnostics& diagnostics) {
  Collector collector(files, diagnostics);
  collector.add(path, text);
  auto out = collector.take();
  if (diagnostics.has_errors()) out.clear();
  return out;
}

std::optional<std::string> read_text_file(const std::string& path, model::SourcePos pos,
                                          model::Diagnostics& diagnostics) {
  std::error_code error;
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path, error)) {
    diagnostics.report({model::yaml::kInputMissing,
                        model::Severity::Error,
                        model::Reach::Input,
                        pos,
                        {},
                        {},
                        {},
                        "\"" + path + "\" cannot be read; expected a scenario file",
                        pos.known() ? "paths are relative to this file" : "check the spelling"});
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace waypath::scenarios
