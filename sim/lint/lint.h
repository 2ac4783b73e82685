#pragma once
// Trouble in the manifests themselves: what evaluators and resolvers make of each object, held against what
// it seems to mean. One file a family of findings; the codes stand in lint_codes_*.cc. Pure functions of the
// Engine: nothing is matched by text that sim/ does not match.

#include <cstddef>
#include <string>
#include <vector>

#include "model/base/diagnostic.h"
#include "sim/engine.h"
#include "sim/verdict.h"

namespace waypath::sim {

struct Finding {
  Code code;
  model::Severity severity = model::Severity::Warning;
  ObjectAt object;  // to change; its place is that of the field or rule that matters
  std::string message, fix;
};

struct LintOptions {
  std::vector<std::string> ignore;  // codes that are not wanted
  std::string ns;                   // findings about this namespace and its objects only; "" = all
};

struct LintResult {
  std::vector<Finding> findings;  // by file, line, column, code, message
  std::size_t suppressed = 0;     // by an annotation of the object
};

/// Annotation of an object whose findings of these codes are meant: "CODE,CODE", or "*" for all.
inline constexpr std::string_view kLintIgnoreAnnotation = "waypath.dev/lint-ignore";

/// Deterministic; grows with pods plus policies times what they select, never with pairs of pods.
[[nodiscard]] LintResult lint(const Engine& engine, const LintOptions& options);

}  // namespace waypath::sim
