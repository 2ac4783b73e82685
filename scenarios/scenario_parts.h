#pragma once
// The files of a scenario: itself and what it includes, with variables put in.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/yaml/node.h"

namespace waypath::scenarios {

/// One file, before anything is read from it.
struct ScenarioFile {
  std::string path;
  const model::yaml::Node* root = nullptr;  // kind Scenario or ScenarioPart; variables and defaults put in
  std::size_t objects = 0;                  // further documents: a cluster
  std::vector<model::yaml::Document> documents;  // that `root` is made of
};

/// Included files first, each once, the file itself last. Empty when something is wrong (reported).
[[nodiscard]] std::vector<ScenarioFile> read_scenario_files(const std::string& path, const std::string& text,
                                                            model::SourceFiles& files,
                                                            model::Diagnostics& diagnostics);

/// Nullopt when it cannot be read (reported, at `pos` when it is known).
[[nodiscard]] std::optional<std::string> read_text_file(const std::string& path, model::SourcePos pos,
                                                        model::Diagnostics& diagnostics);

}  // namespace waypath::scenarios
