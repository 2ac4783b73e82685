#include "tools/render/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/words.h"

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
  if (c.loses_enforcement) return c.kind == FlowChangeKind::Opens ? 0 : 1;
  if (c.kind == FlowChangeKind::Breaks) return 2;
  return 3 + static_cast<int>(c.kind);
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
  if (!c.loses_enforcement) return std::string(to_string(c.kind));
  return c.kind == FlowChangeKind::Opens ? "OPENS UNGUARDED" : "UNGUARDED";
}

bool alarming(const FlowChange& c) { return c.kind == FlowChangeKind::Breaks || c.loses_enforcement; }

std::string points(const FlowState& s) { return s.enforced.empty() ? "no proxy" : join(s.enforced, ", "); }

// A redirect's URL may be of any length; JSON has it whole.
std::string verdict_text(const FlowState& s) {
  constexpr std::size_t kLongest = 60;
  return fmt::format("{} ({})", s.outcome,
                     s.symptom.size() <= kLongest ? s.symptom : s.symptom.substr(0, kLongest) + "...");
}

std::string skipped(const FlowState& s) {
  return s.bypassed.empty() ? "" : "; bypasses " + join(s.bypassed, ", ");
}

// "allow (reaches app) -> timeout (http 503 UC after 10s)"
std::string transition(const FlowChange& c) {
  switch (c.kind) {
    case FlowChangeKind::Enforcement:
      return (c.before.enforced == c.after.enforced
                  ? fmt::format("still {}; enforced at {}", c.after.outcome, points(c.after))
                  : fmt::format("still {}; now enforced at {}, before at {}", c.after.outcome,
                                points(c.after), points(c.before))) +
             skipped(c.after);
    case FlowChangeKind::Rerouted:
      return c.before.backend == c.after.backend ? fmt::format("still {}, on another path", c.after.outcome)
                                                 : fmt::format("still {}; backend {} -> {}", c.after.outcome,
                                                               c.before.backend, c.after.backend);
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

// Where the verdict stays, who let the request through tells nothing of the change.
bool reason_matters(const FlowChange& c) {
  return c.kind != FlowChangeKind::Enforcement && c.kind != FlowChangeKind::Rerouted;
}

std::string shown_reason(const FlowChange& c) { return reason_matters(c) ? reason(c) : std::string(); }

// Flows of a group that change alike, for whoever reads them; in the order of urgency.
struct Alike {
  const FlowChange* first;  // stands for all
  std::vector<const FlowChange*> changes;
};

std::vector<Alike> alike(const Group& group) {
  std::vector<Alike> out;
  std::map<std::string, std::size_t> known;
  for (const FlowChange* c : group.changes) {
    const auto key = fmt::format("{} {}\n{}\n{}", sign(*c), verb(*c), transition(*c), shown_reason(*c));
    const auto [it, fresh] = known.emplace(key, out.size());
    if (fresh) out.push_back({c, {}});
    out[it->second].changes.push_back(c);
  }
  return out;
}

std::string target_of(const sim::Flow& flow) {
  return (flow.method == "GET" ? "" : flow.method + " ") + flow.to;
}

/// What is asked, and who asks it: flows that differ in their client alone.
struct Asked {
  std::string what;
  std::vector<std::string> clients;
};

std::vector<Asked> by_target(const std::vector<const FlowChange*>& changes) {
  std::vector<Asked> out;
  std::map<std::string, std::size_t> known;
  for (const FlowChange* c : changes) {
    const auto& flow = c->flow;
    // A flow with a name of its own is shown by it.
    const bool named = flow.name != flow.from + " -> " + target_of(flow);
    const std::string what = named ? flow.name : target_of(flow);
    const auto [it, fresh] = known.emplace(what, out.size());
    if (fresh) out.push_back({what, {}});
    if (!named) out[it->second].clients.push_back(flow.from);
  }
  return out;
}

std::string summary(const Plan& plan) {
  std::size_t opens = 0, opens_unguarded = 0, breaks = 0, unguarded = 0, other = 0;
  for (const FlowChange& c : plan.changes) {
    if (c.kind == FlowChangeKind::Opens) {
      ++opens;
      opens_unguarded += c.loses_enforcement ? 1 : 0;
    } else if (c.kind == FlowChangeKind::Breaks) {
      ++breaks;
    } else if (c.loses_enforcement) {
      ++unguarded;
    } else {
      ++other;
    }
  }
  std::string out = fmt::format(
      "Plan: {} to open{}, {} to break, {} to lose enforcement, {} to change otherwise; {} unchanged.", opens,
      opens_unguarded > 0 ? fmt::format(" ({} of them unguarded)", opens_unguarded) : "", breaks, unguarded,
      other, plan.unchanged);
  if (plan.only_before + plan.only_after > 0)
    out += fmt::format(" Not compared: {} of clients that go, {} of clients that come.", plan.only_before,
                       plan.only_after);
  return out;
}

std::string text(const Plan& plan, bool colour) {
  constexpr std::size_t kWidth = 100, kIndent = 8;
  const Paint paint(colour);
  std::string out;
  for (const Group& group : groups_of(plan)) {
    out += paint.bold(title(plan, group)) + "\n";
    for (const Alike& some : alike(group)) {
      const FlowChange& c = *some.first;
      const std::string head =
          fmt::format("  {} {}  {}", sign(c), verb(c), counted(some.changes.size(), "flow"));
      out += (alarming(c) ? paint.bad(head) : *sign(c) == '+' ? paint.good(head) : head) + "\n";
      for (const auto& line : wrapped(printable(transition(c)), kWidth - 4)) out += "    " + line + "\n";
      if (!shown_reason(c).empty()) out += "    " + printable(shown_reason(c)) + "\n";
      for (const Asked& asked : by_target(some.changes)) {
        out += "      " + printable(asked.what) + "\n";
        for (const auto& line : wrapped(printable(join(asked.clients, ", ")), kWidth - kIndent))
          if (!line.empty()) out += "        " + paint.dim(line) + "\n";
      }
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

// A cell holds the first flows; the others are counted.
std::string flows_cell(const Alike& some) {
  constexpr std::size_t kShown = 8;
  std::string out;
  const std::size_t n = some.changes.size();
  for (std::size_t i = 0; i < n && i < kShown; ++i)
    out += (i == 0 ? "" : "<br>") + markdown_code(some.changes[i]->flow.name);
  return n <= kShown ? out : fmt::format("{}<br>and {} more", out, n - kShown);
}

std::string markdown(const Plan& plan) {
  std::string out = "### waypath plan\n\n" + summary(plan) + "\n";
  std::size_t left_out = 0;
  for (const Group& group : groups_of(plan)) {
    std::string head = "\n";
    if (group.causes.empty()) head += "several changes together\n";
    for (const auto i : group.causes) {
      const ChangedObject& o = plan.objects[i];
      head += fmt::format("{} {}{}\n", markdown_code(o.object), to_string(o.how),
                          o.place.empty() ? "" : " " + markdown_code(o.place));
    }
    head += "\n| | change | reason | flows |\n|---|---|---|---|\n";
    for (const Alike& some : alike(group)) {
      const FlowChange& c = *some.first;
      const std::string row =
          fmt::format("| {} {} | {} | {} | {} |\n",
                      alarming(c)       ? "🔴"
                      : *sign(c) == '+' ? "🟢"
                                        : "🟡",
                      verb(c), markdown_code(transition(c)),
                      shown_reason(c).empty() ? "" : markdown_code(shown_reason(c)), flows_cell(some));
      // Room for the last line.
      if (out.size() + head.size() + row.size() > kMarkdownLimit - 200) {
        left_out += some.changes.size();
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

ChangeWords change_words(const FlowChange& change) {
  return {sign(change), verb(change), transition(change), reason(change)};
}

}  // namespace waypath::tools
