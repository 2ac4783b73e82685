#include "tools/render/diagram.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using sim::Decision;
using sim::HopKind;

// The whole redirect of a login is longer than any box.
constexpr std::size_t kSymptomWidth = 90;

bool refuses(Decision decision) { return decision == Decision::Deny || decision == Decision::Drop; }

std::string leg_label(const sim::LegResult& leg) {
  if (leg.transport == sim::Transport::InPod)
    return leg.inner_port == 0 ? "in pod" : fmt::format("in pod :{}", leg.inner_port);
  return fmt::format("{} {}", to_string(leg.transport), port_text(leg));
}

std::string refusal_word(const sim::LegResult& leg) {
  return leg.decision == Decision::Drop      ? "DROPPED"
         : leg.decision == Decision::Deny    ? "REFUSED"
         : leg.decision == Decision::Unknown ? "UNKNOWN"
                                             : "";
}

// The objects that decided a path that does not get through, each once.
std::vector<std::string> deciders(const sim::PathVerdict& path) {
  std::vector<std::string> out;
  const auto add = [&](const sim::ObjectAt& o) {
    if (o.key.name.empty()) return;
    auto name = object_with_rule(o);
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  };
  if (path.outcome == sim::Outcome::Allow) {
    for (const auto& o : path.bypass_causes) add(o);
    return out;
  }
  if (path.reason.by) add(*path.reason.by);
  for (const auto& o : path.deciders) add(o);
  return out;
}

// The hop at which a path ends.
std::size_t decided_hop(const sim::PathVerdict& path) {
  if (path.decided_at_leg) return path.legs[*path.decided_at_leg].to;
  if (path.decided_at_hop) return *path.decided_at_hop;
  return path.hops.empty() ? 0 : path.hops.size() - 1;
}

// ---- flowchart ----

Shape shape_of(HopKind kind) {
  switch (kind) {
    case HopKind::External:
    case HopKind::Address:
      return Shape::Round;
    case HopKind::Gateway:
    case HopKind::Waypoint:
      return Shape::Hexagon;
    case HopKind::Ztunnel:
    case HopKind::Sidecar:
      return Shape::Slanted;
    default:
      return Shape::Box;
  }
}

Look look_of(HopKind kind) {
  switch (kind) {
    case HopKind::External:
    case HopKind::Address:
      return Look::Outside;
    case HopKind::Gateway:
    case HopKind::Waypoint:
    case HopKind::Ztunnel:
    case HopKind::Sidecar:
      return Look::Proxy;
    default:
      return Look::Plain;
  }
}

Look look_of(const sim::PathVerdict& path) {
  return path.outcome == sim::Outcome::Allow     ? Look::Allow
         : path.outcome == sim::Outcome::Unknown ? Look::Unknown
                                                 : Look::Refused;
}

std::vector<std::string> leg_lines(const sim::LegResult& leg) {
  std::vector<std::string> out{leg_label(leg)};
  if (auto word = refusal_word(leg); !word.empty()) out.push_back(std::move(word));
  return out;
}

void add_path(Picture& out, const sim::PathVerdict& path, const std::string& prefix, std::size_t group) {
  const std::size_t first = out.nodes.size();
  std::set<std::size_t> unreached;
  for (std::size_t i = 0; i < path.legs.size(); ++i)
    if (!path.legs[i].auxiliary && !leg_reached(path, i)) unreached.insert(path.legs[i].to);
  const std::size_t at = decided_hop(path);
  const auto add = [&](const std::string& id, std::vector<std::string> lines, Shape shape, Look look) {
    PictureNode node;
    node.id = prefix + id;
    node.lines = std::move(lines);
    node.shape = shape;
    node.look = look;
    node.group = group;
    out.nodes.push_back(std::move(node));
    return out.nodes.size() - 1;
  };
  for (std::size_t i = 0; i < path.hops.size(); ++i) {
    const auto& hop = path.hops[i];
    std::vector<std::string> lines{hop_title(hop)};
    if (hop.seen_peer.present() && !unreached.contains(i)) lines.push_back("peer " + hop.seen_peer.principal);
    add(fmt::format("h{}", i), std::move(lines), shape_of(hop.kind),
        i == at                 ? look_of(path)
        : unreached.contains(i) ? Look::Unreached
                                : look_of(hop.kind));
  }
  for (std::size_t i = 0; i < path.legs.size(); ++i) {
    const auto& leg = path.legs[i];
    PictureEdge edge{first + leg.from, first + leg.to, leg_lines(leg), Line::Solid, Look::Plain};
    if (leg.auxiliary)
      edge.to = add(fmt::format("a{}", i), {leg.purpose, leg.destination}, Shape::Box, Look::Plain);
    if (leg.auxiliary || !leg_reached(path, i)) edge.line = Line::Dotted;
    if (refuses(leg.decision)) {
      edge.line = Line::Cut;
      edge.look = Look::Refused;
    }
    out.edges.push_back(std::move(edge));
  }
  if (path.hops.empty()) return;
  const auto objects = deciders(path);
  for (std::size_t i = 0; i < objects.size(); ++i)
    out.edges.push_back({add(fmt::format("p{}", i), {objects[i]}, Shape::Note, Look::Policy),
                         first + at,
                         {},
                         Line::None,
                         Look::Policy});
  const auto end =
      add("verdict", {shortened(outcome_line(path), kSymptomWidth), std::string(path.reason.code.text)},
          Shape::Box, look_of(path));
  out.edges.push_back({first + at, end, {}, Line::None, look_of(path)});
}

Picture path_picture(const sim::Verdict& verdict) {
  Picture out;
  out.name = "flow";
  if (!verdict.split) {
    add_path(out, deciding_path(verdict), "", kNoGroup);
    return out;
  }
  out.top_down = true;
  for (std::size_t i = 0; i < verdict.paths.size(); ++i) {
    out.groups.push_back(fmt::format("path {}, {:.0f}%", i + 1, verdict.paths[i].share * 100));
    add_path(out, verdict.paths[i], fmt::format("p{}", i), i);
  }
  return out;
}

// ---- Mermaid sequence ----

std::string sequence(const sim::Verdict& verdict) {
  const auto& path = deciding_path(verdict);
  std::string out = "sequenceDiagram\n  autonumber\n";
  for (std::size_t i = 0; i < path.hops.size(); ++i)
    out += fmt::format("  participant h{} as {}\n", i, mermaid_text(hop_title(path.hops[i])));
  std::map<std::string, std::size_t> called;
  for (const auto& leg : path.legs) {
    if (leg.auxiliary && called.try_emplace(leg.destination, called.size()).second)
      out += fmt::format("  participant a{} as {}\n", called[leg.destination], mermaid_text(leg.destination));
  }
  const auto calls_of = [&](std::size_t hop) {
    for (const auto& leg : path.legs) {
      if (!leg.auxiliary || leg.from != hop) continue;
      const auto word = refusal_word(leg);
      out += fmt::format("  h{}{}a{}: {} {}{}\n", hop, refuses(leg.decision) ? "-x" : "->>",
                         called[leg.destination], mermaid_text(leg.purpose), mermaid_text(leg_label(leg)),
                         word.empty() ? "" : " " + word);
    }
  };
  calls_of(0);
  std::set<std::string> said;
  std::size_t last = 0;
  for (std::size_t i = 0; i < path.legs.size(); ++i) {
    const auto& leg = path.legs[i];
    if (leg.auxiliary || !leg_reached(path, i)) continue;
    const auto word = refusal_word(leg);
    out += fmt::format("  h{}{}h{}: {}{}\n", leg.from, refuses(leg.decision) ? "-x" : "->>", leg.to,
                       mermaid_text(leg_label(leg)), word.empty() ? "" : " " + word);
    last = leg.to;
    if (!refuses(leg.decision)) {
      for (const auto& node : path.hops[leg.to].decisions) {
        if (node.decision == Decision::NotApplicable || !node.reason.by || node.reason.by->key.name.empty())
          continue;
        auto note = fmt::format("  Note over h{}: {} {}\n", leg.to,
                                mermaid_text(object_with_rule(*node.reason.by)), to_string(node.decision));
        if (!said.insert(note).second) continue;  // two families may name one object
        out += note;
      }
      calls_of(leg.to);
    }
  }
  for (const auto& object : deciders(path))
    out += fmt::format("  Note over h{}: {} {}\n", decided_hop(path),
                       path.outcome == sim::Outcome::Allow ? "bypass caused by" : "decided by",
                       mermaid_text(object));
  if (!path.hops.empty()) {
    const std::size_t answers = path.decided_at_leg ? path.legs[*path.decided_at_leg].from : last;
    out += answers == 0 ? fmt::format("  Note over h0: {}\n",
                                      mermaid_text(shortened(outcome_line(path), kSymptomWidth)))
                        : fmt::format("  h{}-->>h0: {}\n", answers,
                                      mermaid_text(shortened(outcome_line(path), kSymptomWidth)));
  }
  return out;
}

}  // namespace

std::string outcome_line(const sim::PathVerdict& path) {
  std::string out = upper(to_string(path.outcome));
  if (!path.symptom.empty() && path.outcome != sim::Outcome::Unknown) out += ": " + path.symptom;
  for (const auto& b : path.bypassed) out += ", bypasses " + b.substr(0, b.find(": "));
  return out;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::string out;
  std::size_t taken = 0;
  for (const char c : text) {
    // Continuation bytes of UTF-8 belong to the letter before.
    const bool starts = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (starts && ++taken > width - 3) break;
    out.push_back(c);
  }
  return out + "...";
}

std::string path_diagram(const sim::Verdict& verdict, std::string_view format) {
  return format == "mermaid-sequence" ? sequence(verdict) : write_picture(path_picture(verdict), format);
}

}  // namespace waypath::tools
