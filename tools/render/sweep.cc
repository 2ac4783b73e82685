#include "tools/render/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/plan.h"
#include "tools/render/words.h"

namespace waypath::tools {
namespace {

using scenarios::FlowChange;
using scenarios::FlowChangeKind;
using scenarios::RolloutReport;
using scenarios::RolloutState;
using scenarios::SweepCase;
using Json = nlohmann::ordered_json;

constexpr std::size_t kShownFlows = 5;
constexpr std::size_t kMarkdownCases = 200;

struct Counts {
  std::size_t breaks = 0, opens = 0, unguarded = 0, other = 0;
};
Counts counts_of(const scenarios::Plan& plan) {
  Counts out;
  for (const auto& c : plan.changes) {
    if (c.kind == FlowChangeKind::Breaks)
      ++out.breaks;
    else if (c.kind == FlowChangeKind::Opens)
      ++out.opens;
    else if (c.loses_enforcement)
      ++out.unguarded;
    else
      ++out.other;
  }
  return out;
}

std::string counts_text(const scenarios::Plan& plan) {
  const Counts n = counts_of(plan);
  std::vector<std::string> parts;
  const auto add = [&](std::size_t count, const char* what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  };
  add(n.breaks, "break");
  add(n.opens, "open");
  add(n.unguarded, "lose an enforcement point");
  add(n.other, "change otherwise");
  if (plan.only_before > 0) parts.push_back(fmt::format("{} lose their client", plan.only_before));
  return parts.empty() ? "no flow changes" : join(parts, ", ");
}

// Flows that open first: they are what nobody notices.
std::vector<const FlowChange*> ordered(const std::vector<const FlowChange*>& changes) {
  auto out = changes;
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) {
    const auto rank = [](const FlowChange& c) {
      return c.kind == FlowChangeKind::Opens || c.loses_enforcement ? 0
             : c.kind == FlowChangeKind::Breaks                     ? 1
                                                                    : 2;
    };
    return rank(*a) < rank(*b);
  });
  return out;
}

std::vector<const FlowChange*> changes_of(const SweepCase& one) {
  std::vector<const FlowChange*> out;
  for (const auto& c : one.plan.changes) out.push_back(&c);
  return ordered(out);
}

// Of a failure: what is lost or opened. Flows that failed before and fail otherwise now are many.
std::vector<const FlowChange*> telling_changes(const std::string& kind, const SweepCase& one, bool all) {
  auto out = changes_of(one);
  if (kind == "failures" && !all)
    std::erase_if(out, [](const FlowChange* c) { return c->kind == FlowChangeKind::Symptom; });
  return out;
}

std::string flow_lines(const std::vector<const FlowChange*>& changes, const Paint& paint, bool all) {
  std::string out;
  const std::size_t shown = all ? changes.size() : std::min(changes.size(), kShownFlows);
  for (std::size_t i = 0; i < shown; ++i) {
    const ChangeWords words = change_words(*changes[i]);
    const std::string head =
        fmt::format("      {} {:<11}  {}", words.sign, words.verb, printable(changes[i]->flow.name));
    out += (words.sign == "+" ? paint.good(head) : words.sign == "-" ? paint.bad(head) : head) + "\n";
    out += fmt::format("{:21}{}\n", "", printable(words.transition));
  }
  if (shown < changes.size())
    out += fmt::format("      and {} more (-v shows them)\n", changes.size() - shown);
  return out;
}

// What the case comes to, in two words.
std::string effect(const std::string& kind, const SweepCase& one) {
  if (!one.skipped.empty()) return "not tried";
  if (kind == "policies") return one.plan.changes.empty() ? "DEAD" : "load-bearing";
  if (kind == "failures") {
    if (one.fails_open()) return "FAILS OPEN";
    if (one.breaks() || one.plan.only_before > 0) return "fails closed";
    return one.plan.changes.empty() ? "no effect" : "nothing lost";
  }
  return one.plan.changes.empty() ? "no effect" : "changes";
}

bool is_bad(const std::string& effect) { return effect == "FAILS OPEN" || effect == "DEAD"; }

std::string case_text(const std::string& kind, const SweepCase& one, const Paint& paint, bool all) {
  const std::string said = effect(kind, one);
  const std::string label = fmt::format("{:<13}", said);
  std::string out =
      fmt::format("  {} {:<9}  {}{}\n", is_bad(said) ? paint.bad(label) : label, one.group,
                  paint.bold(printable(one.name)), one.place.empty() ? "" : "  " + printable(one.place));
  if (!one.skipped.empty()) return out + fmt::format("      {}\n", printable(one.skipped));
  if (one.plan.changes.empty() && one.plan.only_before == 0) return out;
  out += fmt::format("      {}\n", counts_text(one.plan));
  return out + flow_lines(telling_changes(kind, one, all), paint, all);
}

std::string summary(const SweepResult& r) {
  std::size_t tried = 0;
  std::vector<std::pair<std::string, std::size_t>> effects;
  for (const auto& one : r.report.cases) {
    const std::string said = effect(r.kind, one);
    auto it = std::find_if(effects.begin(), effects.end(), [&](const auto& e) { return e.first == said; });
    if (it == effects.end()) it = effects.insert(effects.end(), {said, 0});
    ++it->second;
    tried += one.skipped.empty() ? 1 : 0;
  }
  std::sort(effects.begin(), effects.end());
  std::vector<std::string> parts;
  for (const auto& [said, n] : effects) parts.push_back(fmt::format("{} {}", n, said));
  std::string out = fmt::format("Sweep {}: {} of {} cases tried with {} each", r.kind, tried,
                                r.report.planned, counted(r.flows, "flow"));
  out += (parts.empty() ? "" : ": " + join(parts, ", ")) + ".";
  return r.kind == "policies" ? out + " Dead: none of these flows changes without it." : out;
}

std::string stopped_text(bool stopped, std::size_t done, std::size_t planned) {
  if (stopped) return fmt::format("Interrupted after {} of {} cases.\n", done, planned);
  if (done < planned) return fmt::format("Ended after {} of {} cases (--fail-fast).\n", done, planned);
  return {};
}

// ---- rollout ----

std::vector<const FlowChange*> bad_changes(const RolloutState& state) {
  std::vector<const FlowChange*> out;
  for (const auto* list : {&state.open, &state.broken})
    for (const auto i : *list) out.push_back(&state.result.plan.changes[i]);
  return out;
}

const RolloutState* end_of(const RolloutReport& r) {
  return !r.states.empty() && r.states.size() == r.planned ? &r.states.back() : nullptr;
}

std::string state_text(const RolloutState& state) {
  if (!state.result.skipped.empty()) return "cannot be made: " + state.result.skipped;
  std::vector<std::string> parts;
  if (!state.broken.empty())
    parts.push_back(counted(state.broken.size(), "flow") + " broken that the end has whole");
  if (!state.open.empty())
    parts.push_back(counted(state.open.size(), "flow") + " open that the end has closed");
  return join(parts, ", ");
}

std::string orders_text(const RolloutReport& r) {
  if (!r.complete)
    return fmt::format(
        "Only states of one and two parts were tried ({} of them): all would be more than --limit.",
        r.planned - 1);
  if (!r.safe_orders) return {};
  std::vector<std::string> names;
  for (const auto i : r.safe_order) names.push_back(r.parts[i]);
  const std::string example = names.empty() ? "" : ", for example: " + join(names, ", then ");
  return fmt::format("Orders: {} of {} have no bad state in between{}.", *r.safe_orders, *r.all_orders,
                     example);
}

std::string rollout_summary(const SweepResult& r) {
  const auto bad = std::count_if(r.rollout->states.begin(), r.rollout->states.end(),
                                 [&](const auto& s) { return &s != end_of(*r.rollout) && s.bad(); });
  return fmt::format("Sweep rollout: {} parts, {} of {} states tried with {} each, {} bad.",
                     r.rollout->parts.size(), r.rollout->states.size(), r.rollout->planned,
                     counted(r.flows, "flow"), bad);
}

std::string rollout_text(const SweepResult& r, const Paint& paint, bool all) {
  const RolloutReport& rollout = *r.rollout;
  const RolloutState* end = end_of(rollout);
  std::string out;
  for (const auto& state : rollout.states) {
    if (&state == end || !state.bad()) continue;
    out += fmt::format("  {}  {}\n      {}\n", paint.bad("BAD STATE"),
                       paint.bold(printable(state.result.name)), printable(state_text(state)));
    out += flow_lines(bad_changes(state), paint, all);
  }
  if (end != nullptr)
    out += fmt::format("  the end  {}\n", end->result.skipped.empty()
                                              ? counts_text(end->result.plan)
                                              : "cannot be made: " + end->result.skipped);
  out += stopped_text(rollout.stopped, rollout.states.size(), rollout.planned);
  const std::string orders = orders_text(rollout);
  if (!orders.empty()) out += printable(orders) + "\n";
  return out + rollout_summary(r) + "\n";
}

std::string text(const SweepResult& r, bool colour, bool all) {
  const Paint paint(colour);
  if (r.rollout) return rollout_text(r, paint, all);
  std::string out;
  for (const auto& one : r.report.cases) out += case_text(r.kind, one, paint, all);
  return out + stopped_text(r.report.stopped, r.report.cases.size(), r.report.planned) + summary(r) + "\n";
}

// ---- JSON ----

Json change_json(const FlowChange& c) {
  const ChangeWords words = change_words(c);
  return {{"flow", {{"from", c.flow.from}, {"to", c.flow.to}, {"name", c.flow.name}}},
          {"change", to_string(c.kind)},
          {"losesEnforcement", c.loses_enforcement},
          {"before", c.before.outcome},
          {"after", c.after.outcome},
          {"what", words.transition},
          {"reason", words.reason}};
}

Json case_json(const std::string& kind, const SweepCase& one) {
  Json changes = Json::array();
  for (const auto& c : one.plan.changes) changes.push_back(change_json(c));
  return {{"group", one.group},
          {"name", one.name},
          {"place", one.place},
          {"effect", effect(kind, one)},
          {"skipped", one.skipped},
          {"compared", one.plan.compared},
          {"onlyBefore", one.plan.only_before},
          {"onlyAfter", one.plan.only_after},
          {"changes", std::move(changes)}};
}

Json rollout_json(const RolloutReport& r) {
  Json states = Json::array();
  for (const auto& state : r.states) {
    Json parts = Json::array(), broken = Json::array(), open = Json::array();
    for (std::size_t i = 0; i < r.parts.size(); ++i)
      if ((state.parts >> i & 1U) != 0) parts.push_back(r.parts[i]);
    for (const auto i : state.broken) broken.push_back(change_json(state.result.plan.changes[i]));
    for (const auto i : state.open) open.push_back(change_json(state.result.plan.changes[i]));
    const bool end = &state == end_of(r);
    states.push_back(Json{{"parts", std::move(parts)},
                          {"end", end},
                          {"bad", !end && state.bad()},
                          {"skipped", state.result.skipped},
                          {"compared", state.result.plan.compared},
                          {"changed", state.result.plan.changes.size()},
                          {"broken", std::move(broken)},
                          {"open", std::move(open)}});
  }
  Json safe = Json::array();
  for (const auto i : r.safe_order) safe.push_back(r.parts[i]);
  return {{"parts", r.parts},
          {"complete", r.complete},
          {"safeOrders", r.safe_orders ? Json(*r.safe_orders) : Json(nullptr)},
          {"allOrders", r.all_orders ? Json(*r.all_orders) : Json(nullptr)},
          {"safeOrder", std::move(safe)},
          {"states", std::move(states)}};
}

std::string json(const SweepResult& r) {
  const bool stopped = r.rollout ? r.rollout->stopped : r.report.stopped;
  Json out{{"apiVersion", kApiVersion},
           {"sweep", r.kind},
           {"flows", r.flows},
           {"planned", r.rollout ? r.rollout->planned : r.report.planned},
           {"tried", r.rollout ? r.rollout->states.size() : r.report.cases.size()},
           {"interrupted", stopped},
           {"found", sweep_found(r)}};
  if (r.rollout) {
    out["rollout"] = rollout_json(*r.rollout);
  } else {
    Json cases = Json::array();
    for (const auto& one : r.report.cases) cases.push_back(case_json(r.kind, one));
    out["cases"] = std::move(cases);
  }
  return out.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

// ---- Markdown ----

std::string example(const std::vector<const FlowChange*>& changes) {
  if (changes.empty()) return "";
  return markdown_code(changes.front()->flow.name) + " " +
         markdown_code(change_words(*changes.front()).transition);
}

std::string markdown(const SweepResult& r) {
  std::string out = fmt::format("### waypath sweep {}\n\n", r.kind);
  std::size_t rows = 0, left = 0;
  const auto row = [&](const std::string& text) {
    ++rows > kMarkdownCases ? void(++left) : void(out += text);
  };
  if (r.rollout) {
    out += rollout_summary(r) + "\n\n" + orders_text(*r.rollout) + "\n";
    const RolloutState* end = end_of(*r.rollout);
    for (const auto& state : r.rollout->states) {
      if (&state == end || !state.bad()) continue;
      if (rows == 0) out += "\n| bad state | | for example |\n|---|---|---|\n";
      row(fmt::format("| {} | {} | {} |\n", markdown_code(state.result.name),
                      markdown_code(state_text(state)), example(bad_changes(state))));
    }
    out += "\n" + stopped_text(r.rollout->stopped, r.rollout->states.size(), r.rollout->planned);
  } else {
    out += summary(r) + "\n\n| | case | flows | for example |\n|---|---|---|---|\n";
    for (const auto& one : r.report.cases) {
      const std::string said = effect(r.kind, one);
      row(fmt::format("| {}{} | {} {} | {} | {} |\n", is_bad(said) ? "🔴 " : "", said, one.group,
                      markdown_code(one.name),
                      one.skipped.empty() ? counts_text(one.plan) : markdown_code(one.skipped),
                      example(telling_changes(r.kind, one, false))));
    }
    out += "\n" + stopped_text(r.report.stopped, r.report.cases.size(), r.report.planned);
  }
  if (left > 0) out += fmt::format("\n{} more cases: `waypath sweep` lists them all.\n", left);
  return out;
}

}  // namespace

bool sweep_found(const SweepResult& r) {
  if (r.rollout) {
    const RolloutState* end = end_of(*r.rollout);
    return std::any_of(r.rollout->states.begin(), r.rollout->states.end(),
                       [&](const auto& s) { return &s == end ? !s.result.skipped.empty() : s.bad(); });
  }
  return std::any_of(r.report.cases.begin(), r.report.cases.end(), [&](const SweepCase& one) {
    if (!one.skipped.empty()) return false;
    if (r.kind == "policies") return one.plan.changes.empty();
    return r.kind == "failures" ? one.fails_open() : !one.plan.changes.empty();
  });
}

std::string sweep_text(const SweepResult& result, std::string_view format, bool colour, bool all) {
  if (format == "json") return json(result);
  if (format == "markdown") return markdown(result);
  return text(result, colour, all);
}

}  // namespace waypath::tools
