#include "tools/render/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/render/json.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using scenarios::ChangedObject;
using scenarios::FlowChange;
using scenarios::FlowChangeKind;
using scenarios::FlowState;
using scenarios::Plan;

constexpr std::size_t kMarkdownLimit = 60000;

/// Changes with the same causes.
struct Group {
  std::vector<std::size_t> causes;
  std::vector<const FlowChange*> changes;
};

// Breaks and lost enforcement first: what a reviewer must not miss.
int urgency(const FlowChange& c) {
  if (c.kind == FlowChangeKind::Breaks) return 0;
  if (c.loses_enforcement) return 1;
  return 2 + static_cast<int>(c.kind);
}

std::vector<Group> groups_of(const Plan& plan) {
  std::vector<Group> out;
  for (const FlowChange& c : plan.changes) {
    auto it = std::find_if(out.begin(), out.end(), [&](const Group& g) { return g.causes == c.causes; });
    if (it == out.end()) it = out.insert(out.end(), {c.causes, {}});
    it->changes.push_back(&c);
  }
  for (Group& g : out)
    std::stable_sort(g.changes.begin(), g.changes.end(),
                     [](const auto* a, const auto* b) { return urgency(*a) < urgency(*b); });
  std::stable_sort(out.begin(), out.end(), [](const Group& a, const Group& b) {
    return urgency(*a.changes.front()) < urgency(*b.changes.front());
  });
  return out;
}

std::string object_text(const ChangedObject& o) {
  return fmt::format("{}  {}{}", printable(o.object), to_string(o.how),
                     o.place.empty() ? "" : "  " + printable(o.place));
}

std::string title(const Plan& plan, const Group& group) {
  if (group.causes.empty()) return "several changes together";
  std::vector<std::string> out;
  for (const auto i : group.causes) out.push_back(object_text(plan.objects[i]));
  return join(out, "\n");
}

const char* sign(const FlowChange& c) {
  if (c.kind == FlowChangeKind::Opens) return "+";
  if (c.kind == FlowChangeKind::Breaks || c.loses_enforcement) return "-";
  return "~";
}

std::string verb(const FlowChange& c) {
  return c.loses_enforcement ? "UNGUARDED" : std::string(to_string(c.kind));
}

std::string points(const FlowState& s) { return s.enforced.empty() ? "no proxy" : join(s.enforced, ", "); }

std::string verdict_text(const FlowState& s) { return fmt::format("{} ({})", s.outcome, s.symptom); }

std::string skipped(const FlowState& s) {
  return s.bypassed.empty() ? "" : "; bypasses " + join(s.bypassed, ", ");
}

// "allow (reaches app) -> timeout (http 503 UC after 10s)"
std::string transition(const FlowChange& c) {
  switch (c.kind) {
    case FlowChangeKind::Enforcement:
      return (c.before.enforced == c.after.enforced
                  ? fmt::format("{}; enforced at {}", c.after.outcome, points(c.after))
                  : fmt::format("{}; enforced at {} -> {}", c.after.outcome, points(c.before),
                                points(c.after))) +
             skipped(c.after);
    case FlowChangeKind::Rerouted:
      return c.before.backend == c.after.backend
                 ? fmt::format("{} on another path", c.after.outcome)
                 : fmt::format("{}; backend {} -> {}", c.after.outcome, c.before.backend, c.after.backend);
    case FlowChangeKind::Opens:
    case FlowChangeKind::Breaks:
    case FlowChangeKind::Symptom:
      break;
  }
  return fmt::format("{} -> {}", verdict_text(c.before), verdict_text(c.after)) + skipped(c.after);
}

std::string reason(const FlowChange& c) {
  const FlowState& told = c.kind == FlowChangeKind::Opens ? c.before : c.after;
  return told.by.empty() ? told.reason : told.reason + "  " + told.by;
}

std::string summary(const Plan& plan) {
  std::size_t opens = 0, breaks = 0, unguarded = 0, other = 0;
  for (const FlowChange& c : plan.changes) {
    if (c.kind == FlowChangeKind::Opens)
      ++opens;
    else if (c.kind == FlowChangeKind::Breaks)
      ++breaks;
    else if (c.loses_enforcement)
      ++unguarded;
    else
      ++other;
  }
  std::string out = fmt::format(
      "Plan: {} to open, {} to break, {} to lose enforcement, {} to change otherwise; {} unchanged.", opens,
      breaks, unguarded, other, plan.unchanged);
  if (plan.only_before + plan.only_after > 0)
    out += fmt::format(" Not compared: {} of clients that go, {} of clients that come.", plan.only_before,
                       plan.only_after);
  return out;
}

std::string text(const Plan& plan, bool colour) {
  const Paint paint(colour);
  std::string out;
  for (const Group& group : groups_of(plan)) {
    out += paint.bold(title(plan, group)) + "\n";
    for (const FlowChange* c : group.changes) {
      const std::string head = fmt::format("  {} {:<11}  {}", sign(*c), verb(*c), printable(c->flow.name));
      out += (*sign(*c) == '+' ? paint.good(head) : *sign(*c) == '-' ? paint.bad(head) : head) + "\n";
      out += fmt::format("{:17}{}\n", "", printable(transition(*c)));
      if (c->kind != FlowChangeKind::Enforcement && c->kind != FlowChangeKind::Rerouted)
        out += fmt::format("{:17}{}\n", "", printable(reason(*c)));
    }
    out += "\n";
  }
  if (plan.changes.empty())
    for (const ChangedObject& o : plan.objects) out += object_text(o) + "\n";
  return out + summary(plan) + "\n";
}

nlohmann::ordered_json state_json(const FlowState& s) {
  return {{"outcome", s.outcome}, {"symptom", s.symptom},     {"reason", s.reason},    {"by", s.by},
          {"backend", s.backend}, {"enforcedAt", s.enforced}, {"bypassed", s.bypassed}};
}

std::string json(const Plan& plan) {
  using Json = nlohmann::ordered_json;
  Json out{{"apiVersion", kApiVersion}};
  Json objects = Json::array(), changes = Json::array();
  for (const ChangedObject& o : plan.objects)
    objects.push_back(Json{{"object", o.object}, {"how", to_string(o.how)}, {"place", o.place}});
  for (const FlowChange& c : plan.changes) {
    Json causes = Json::array();
    for (const auto i : c.causes)
      causes.push_back(Json{{"object", plan.objects[i].object}, {"place", plan.objects[i].place}});
    changes.push_back(Json{{"flow", {{"from", c.flow.from}, {"to", c.flow.to}, {"name", c.flow.name}}},
                           {"change", to_string(c.kind)},
                           {"losesEnforcement", c.loses_enforcement},
                           {"before", state_json(c.before)},
                           {"after", state_json(c.after)},
                           {"cause", std::move(causes)}});
  }
  out["objects"] = std::move(objects);
  out["changes"] = std::move(changes);
  out["summary"] = Json{{"compared", plan.compared},
                        {"changed", plan.changes.size()},
                        {"unchanged", plan.unchanged},
                        {"onlyBefore", plan.only_before},
                        {"onlyAfter", plan.only_after}};
  return out.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

std::string code(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) out += c == '`' ? '\'' : c == '|' ? '/' : c;
  return "`" + out + "`";
}

std::string markdown(const Plan& plan) {
  std::string out = "### waypath plan\n\n" + summary(plan) + "\n";
  std::size_t left_out = 0;
  for (const Group& group : groups_of(plan)) {
    std::string head = "\n";
    if (group.causes.empty()) head += "several changes together\n";
    for (const auto i : group.causes) {
      const ChangedObject& o = plan.objects[i];
      head += fmt::format("{} {}{}\n", code(o.object), to_string(o.how),
                          o.place.empty() ? "" : " " + code(o.place));
    }
    head += "\n| | flow | change | reason |\n|---|---|---|---|\n";
    for (const FlowChange* c : group.changes) {
      const std::string row =
          fmt::format("| {} {} | {} | {} | {} |\n",
                      *sign(*c) == '-'   ? "🔴"
                      : *sign(*c) == '+' ? "🟢"
                                         : "🟡",
                      verb(*c), code(c->flow.name), code(transition(*c)), code(reason(*c)));
      // Room for the last line.
      if (out.size() + head.size() + row.size() > kMarkdownLimit - 200) {
        ++left_out;
        continue;
      }
      out += head + row;
      head.clear();
    }
  }
  if (left_out > 0) out += fmt::format("\n{} more flows change: `waypath plan` lists them all.\n", left_out);
  return out;
}

}  // namespace

std::string plan_report(const Plan& plan, std::string_view format, bool colour) {
  if (format == "json") return json(plan);
  if (format == "markdown") return markdown(plan);
  return text(plan, colour);
}

}  // namespace waypath::tools
