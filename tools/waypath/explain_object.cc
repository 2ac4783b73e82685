#include "tools/waypath/explain_object.h"

#include <fmt/format.h>

#include "tools/render/lint.h"
#include "tools/render/names.h"

namespace waypath::tools {

std::vector<ExplainedItem> findings_about(const sim::Engine& engine, const model::ResourceKey& key) {
  std::vector<ExplainedItem> out;
  for (const auto& f : sim::lint(engine, {}).findings)
    if (f.object.key == key)
      out.push_back(
          {fmt::format("{} {}: {}", severity_word(f.severity), f.code.text, f.message), {"fix: " + f.fix}});
  return out;
}

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
  out.sections.push_back({"lint", "findings", {}, findings_about(engine, key)});
  return out;
}

}  // namespace waypath::tools
