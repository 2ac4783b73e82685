#include "scenarios/template.h"

#include <algorithm>
#include <vector>

#include "model/base/edit_distance.h"
#include "model/yaml/tree_builder.h"
#include "scenarios/scenario.h"

namespace waypath::scenarios {
namespace {

using model::yaml::Member;
using model::yaml::Node;
using model::yaml::TreeBuilder;

constexpr std::string_view kOpen = "${";
constexpr std::string_view kToken = "token.";  // assume.tokens: flow_reader.cc

class Substitution {
 public:
  Substitution(const Variables& variables, model::Diagnostics& diagnostics)
      : variables_(variables), diagnostics_(diagnostics) {}

  model::yaml::Document run(const Node& root) { return builder_.finish(node(root)); }

 private:
  const Node* node(const Node& n) {
    if (n.is_scalar()) return scalar(n);
    if (n.is_sequence()) {
      std::vector<const Node*> items;
      for (const Node* item : n.items) items.push_back(node(*item));
      return builder_.sequence(items, n.pos);
    }
    if (n.is_mapping()) {
      std::vector<Member> members;
      for (const Member& m : n.members)
        members.push_back({builder_.text(text(m.key, m.key_pos)), m.key_pos, node(*m.value)});
      return builder_.mapping(members, n.pos, diagnostics_);
    }
    return builder_.null(n.pos);
  }

  const Node* scalar(const Node& n) {
    const auto close = n.scalar.find('}');
    if (n.scalar.substr(0, kOpen.size()) == kOpen && close + 1 == n.scalar.size()) {
      const auto name = n.scalar.substr(kOpen.size(), close - kOpen.size());
      const auto it = variables_.find(name);
      if (it != variables_.end()) return placed(*it->second, n.pos);
    }
    return builder_.scalar(n.style, text(n.scalar, n.pos), n.pos);
  }

  // The value where it is used: errors are shown there.
  const Node* placed(const Node& value, model::SourcePos pos) {
    if (value.is_scalar()) return builder_.scalar(value.style, value.scalar, pos);
    if (value.is_sequence()) {
      std::vector<const Node*> items;
      for (const Node* item : value.items) items.push_back(placed(*item, pos));
      return builder_.sequence(items, pos);
    }
    if (value.is_mapping()) {
      std::vector<Member> members;
      for (const Member& m : value.members)
        members.push_back({builder_.text(m.key), pos, placed(*m.value, pos)});
      return builder_.mapping(members, pos, diagnostics_);
    }
    return builder_.null(pos);
  }

  std::string text(std::string_view in, model::SourcePos pos) {
    std::string out;
    while (!in.empty()) {
      const auto open = in.find(kOpen);
      const auto close = open == std::string_view::npos ? open : in.find('}', open);
      if (close == std::string_view::npos) break;
      if (open > 0 && in[open - 1] == '$') {  // $${
        out.append(in.substr(0, open - 1)).append(kOpen);
        in.remove_prefix(open + kOpen.size());
        continue;
      }
      const auto name = in.substr(open + kOpen.size(), close - open - kOpen.size());
      out += in.substr(0, open);
      if (name.substr(0, kToken.size()) == kToken)
        out += in.substr(open, close + 1 - open);
      else
        out += value_of(name, pos);
      in.remove_prefix(close + 1);
    }
    return out.append(in);
  }

  std::string value_of(std::string_view name, model::SourcePos pos) {
    const auto it = variables_.find(name);
    if (it == variables_.end()) {
      std::vector<std::string_view> known;
      for (const auto& [n, value] : variables_) known.push_back(n);
      const auto near = model::nearest(name, known);
      report(pos, "no variable is named \"" + std::string(name) + "\"",
             near ? "did you mean \"" + std::string(*near) + "\"?"
                  : "state it under variables; $${ stands for ${");
      return {};
    }
    if (!it->second->is_scalar()) {
      report(pos, "variable \"" + std::string(name) + "\" is no text: it cannot stand within text",
             "a list or mapping is put in where ${" + std::string(name) + "} stands alone");
      return {};
    }
    return std::string(it->second->scalar);
  }

  void report(model::SourcePos pos, std::string message, std::string hint) {
    diagnostics_.report({kScenarioInvalid,
                         model::Severity::Error,
                         model::Reach::Input,
                         pos,
                         {},
                         {},
                         {},
                         std::move(message),
                         std::move(hint)});
  }

  const Variables& variables_;
  model::Diagnostics& diagnostics_;
  TreeBuilder builder_;
};

// Selectors of flows are one thought: a flow's own is not mixed with the default's.
bool merges(std::string_view key) { return key == "http" || key == "headers" || key == "expect"; }

const Node* merged(TreeBuilder& builder, const Node& own, const Node& defaults) {
  std::vector<Member> members;
  for (const Member& m : own.members) {
    const Node* other = defaults.find(m.key);
    const bool both = other != nullptr && other->is_mapping() && m.value->is_mapping() && merges(m.key);
    members.push_back({m.key, m.key_pos, both ? merged(builder, *m.value, *other) : m.value});
  }
  for (const Member& m : defaults.members)
    if (own.find(m.key) == nullptr) members.push_back(m);
  model::Diagnostics none;
  return builder.mapping(members, own.pos, none);
}

}  // namespace

model::yaml::Document substitute(const Node& root, const Variables& variables,
                                 model::Diagnostics& diagnostics) {
  return Substitution(variables, diagnostics).run(root);
}

model::yaml::Document with_defaults(const Node& root) {
  TreeBuilder builder;
  const Node* defaults = root.find("defaults");
  std::vector<Member> members(root.members.begin(), root.members.end());
  for (Member& m : members) {
    if (m.key != "flows" || !m.value->is_sequence() || defaults == nullptr) continue;
    std::vector<const Node*> flows;
    for (const Node* flow : m.value->items)
      flows.push_back(flow->is_mapping() ? merged(builder, *flow, *defaults) : flow);
    m.value = builder.sequence(flows, m.value->pos);
  }
  model::Diagnostics none;
  return builder.finish(root.is_mapping() ? builder.mapping(members, root.pos, none) : &root);
}

}  // namespace waypath::scenarios
