#include "sim/resolve/enablement.h"

#include "model/load/decode.h"
#include "model/yaml/reader.h"

namespace waypath::sim {

std::optional<std::vector<EnablementSelector>> read_enablement_selectors(std::string_view text) {
  model::Diagnostics diagnostics;
  model::yaml::Slice slice;
  slice.length = text.size();
  const auto document = model::yaml::read_slice(text, slice, 0, diagnostics, {.prune = false});
  if (!document || document->root == nullptr || !document->root->is_sequence()) return std::nullopt;
  model::DecodeContext context(diagnostics);
  std::vector<EnablementSelector> out;
  model::Field(context, *document->root).each([&](const model::Field& item) {
    item.only({"podSelector", "namespaceSelector"});
    EnablementSelector selector;
    if (const auto pod = item["podSelector"]; pod.present()) selector.pod = model::decode_selector(pod);
    if (const auto ns = item["namespaceSelector"]; ns.present()) selector.ns = model::decode_selector(ns);
    out.push_back(std::move(selector));
  });
  if (context.rejected) return std::nullopt;
  return out;
}

const std::vector<EnablementSelector>& default_enablement_selectors() {
  static const std::vector<EnablementSelector> selectors = [] {
    const auto key = model::intern("istio.io/dataplane-mode");
    const model::SelectorRequirement ambient{
        key, model::SelectorOperator::In, {model::intern("ambient")}, {}};
    const model::SelectorRequirement not_none{
        key, model::SelectorOperator::NotIn, {model::intern("none")}, {}};
    EnablementSelector by_pod, by_namespace;
    by_pod.pod.requirements = {ambient};
    by_namespace.pod.requirements = {not_none};
    by_namespace.ns.requirements = {ambient};
    return std::vector{by_pod, by_namespace};
  }();
  return selectors;
}

bool is_ztunnel(const model::Pod& pod) { return pod.meta.labels.get("app") == std::string_view("ztunnel"); }

}  // namespace waypath::sim
