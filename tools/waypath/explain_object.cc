#include "tools/waypath/explain_object.h"

#include <fmt/format.h>

#include "tools/render/names.h"

namespace waypath::tools {

namespace {

std::string_view word(model::Severity severity) {
  switch (severity) {
    case model::Severity::Info:
      return "info";
    case model::Severity::Warning:
      return "warning";
    case model::Severity::Error:
      return "error";
  }
  return {};
}

ObjectExplanation::Section findings(const sim::Engine& engine, const model::ResourceKey& key) {
  ObjectExplanation::Section out{"lint", "findings", {}, {}};
  for (const auto& f : sim::lint(engine, {}).findings)
    if (f.object.key == key)
      out.items.push_back(
          {fmt::format("{} {}: {}", word(f.severity), f.code.text, f.message), {"fix: " + f.fix}});
  return out;
}

}  // namespace

std::optional<ObjectExplanation> explain_object(const sim::Engine& engine, const model::ResourceKey& key) {
  const sim::LintContext context(engine);
  std::optional<Sections> sections = explain_istio_policy(context, key);
  if (!sections) sections = explain_network_policy(context, key);
  if (!sections) sections = explain_binding(context, key);
  if (!sections) return std::nullopt;
  ObjectExplanation out;
  out.object = key.str();
  if (const auto* meta = context.find_meta(key)) out.place = place_of(engine.cluster().files(), meta->pos);
  out.sections = std::move(*sections);
  out.sections.push_back(findings(engine, key));
  return out;
}

}  // namespace waypath::tools
