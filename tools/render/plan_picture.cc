// A plan as a picture: the changed flows before and after (diagram.h).

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "tools/render/diagram.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using scenarios::FlowChange;
using scenarios::FlowState;

constexpr std::size_t kSymptomWidth = 60;

// One side of the plan: its nodes once each, found by what they are called.
class Side {
 public:
  Side(Picture& picture, std::string prefix, std::size_t group)
      : picture_(picture), prefix_(std::move(prefix)), group_(group) {}

  std::size_t node(const std::string& name, Shape shape, Look look,
                   const std::vector<std::string>& more = {}) {
    const auto [it, fresh] = ids_.try_emplace({name, shape, look}, picture_.nodes.size());
    if (!fresh) return it->second;
    PictureNode n;
    n.id = fmt::format("{}{}", prefix_, picture_.nodes.size());
    n.lines = {name};
    n.lines.insert(n.lines.end(), more.begin(), more.end());
    n.shape = shape;
    n.look = look;
    n.group = group_;
    n.mergeable = look == Look::Plain || look == Look::Outside;
    n.keys = {name, name.substr(0, name.find('/'))};
    picture_.nodes.push_back(std::move(n));
    return it->second;
  }

  void edge(std::size_t from, std::size_t to, std::vector<std::string> lines, Line line, Look look) {
    if (edges_.emplace(std::tuple(from, to, lines, line, look), true).second)
      picture_.edges.push_back({from, to, std::move(lines), line, look});
  }

 private:
  Picture& picture_;
  std::string prefix_;
  std::size_t group_;
  std::map<std::tuple<std::string, Shape, Look>, std::size_t> ids_;
  std::map<std::tuple<std::size_t, std::size_t, std::vector<std::string>, Line, Look>, bool> edges_;
};

// Client and target; the edge says what happens, the L7 enforcement points it passes and what refuses it.
void add_side(Side& side, const FlowChange& change, const FlowState& state, bool unguarded) {
  const bool outside = change.flow.from.find('/') == std::string::npos;
  const std::size_t from =
      side.node(change.flow.from, outside ? Shape::Round : Shape::Box, outside ? Look::Outside : Look::Plain);
  const std::size_t to = side.node(change.flow.to, Shape::Slanted, Look::Policy);
  const Look look = state.outcome == "allow"     ? (unguarded ? Look::Unknown : Look::Allow)
                    : state.outcome == "unknown" ? Look::Unknown
                                                 : Look::Refused;
  std::vector<std::string> lines{look == Look::Allow || look == Look::Unknown
                                     ? state.outcome
                                     : shortened(state.outcome + ": " + state.symptom, kSymptomWidth)};
  if (!state.by.empty() && look == Look::Refused) lines.push_back("by " + state.by);
  for (const auto& point : state.enforced) lines.push_back("via " + point);
  for (const auto& skipped : state.bypassed) lines.push_back("bypasses " + skipped);
  if (change.before.backend != change.after.backend && state.outcome == "allow")
    lines.push_back("backend " + state.backend);
  side.edge(from, to, std::move(lines), look == Look::Refused ? Line::Cut : Line::Thick, look);
}

}  // namespace

Picture plan_picture(const scenarios::Plan& plan) {
  Picture out;
  out.name = "plan";
  out.top_down = true;
  out.groups = {"before", "after"};
  Side before(out, "b", 0), after(out, "a", 1);
  for (const FlowChange& change : plan.changes) {
    add_side(before, change, change.before, false);
    add_side(after, change, change.after, change.loses_enforcement);
  }
  if (plan.changes.empty()) out.notes.emplace_back("no flow changes");
  return out;
}

}  // namespace waypath::tools
