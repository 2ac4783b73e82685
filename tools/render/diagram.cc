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

// ---- Mermaid flowchart ----

constexpr const char* kClasses =
    "  classDef allow fill:#e6f4ea,stroke:#1e8e3e\n"
    "  classDef refused fill:#fce8e6,stroke:#d93025\n"
    "  classDef unknown fill:#fef7e0,stroke:#f9ab00\n"
    "  classDef policy fill:#f1f3f4,stroke:#5f6368\n"
    "  classDef unreached stroke-dasharray:4 4\n";

// Shapes of hops: what may stand around a quoted label.
std::pair<const char*, const char*> shape(HopKind kind) {
  switch (kind) {
    case HopKind::External:
    case HopKind::Address:
      return {"([", "])"};
    case HopKind::Gateway:
    case HopKind::Waypoint:
      return {"{{", "}}"};
    case HopKind::Ztunnel:
    case HopKind::Sidecar:
      return {"[/", "/]"};
    default:
      return {"[", "]"};
  }
}

std::string flowchart_path(const sim::PathVerdict& path, const std::string& p) {
  std::string out;
  std::set<std::size_t> unreached;
  for (std::size_t i = 0; i < path.legs.size(); ++i)
    if (!path.legs[i].auxiliary && !leg_reached(path, i)) unreached.insert(path.legs[i].to);
  for (std::size_t i = 0; i < path.hops.size(); ++i) {
    const auto [open, close] = shape(path.hops[i].kind);
    const auto& hop = path.hops[i];
    std::string label = mermaid_text(hop_title(hop));
    if (hop.seen_peer.present() && !unreached.contains(i))
      label += "<br/>peer " + mermaid_text(hop.seen_peer.principal);
    out += fmt::format("  {}h{}{}\"{}\"{}\n", p, i, open, label, close);
  }
  for (std::size_t i = 0; i < path.legs.size(); ++i) {
    const auto& leg = path.legs[i];
    std::string label = mermaid_text(leg_label(leg));
    if (const auto word = refusal_word(leg); !word.empty()) label += "<br/>" + word;
    if (leg.auxiliary) {
      out += fmt::format("  {0}a{1}[\"{2}<br/>{3}\"]\n  {0}h{4} {5}|\"{6}\"| {0}a{1}\n", p, i,
                         mermaid_text(leg.purpose), mermaid_text(leg.destination), leg.from,
                         refuses(leg.decision) ? "-.-x" : "-.->", label);
      continue;
    }
    const bool reached = leg_reached(path, i);
    const char* arrow = refuses(leg.decision) ? "--x" : reached ? "-->" : "-.->";
    out += fmt::format("  {0}h{1} {2}|\"{3}\"| {0}h{4}\n", p, leg.from, arrow, label, leg.to);
  }
  const std::size_t at = decided_hop(path);
  const auto objects = deciders(path);
  for (std::size_t i = 0; i < objects.size(); ++i)
    out += fmt::format("  {0}p{1}>\"{2}\"]:::policy -.- {0}h{3}\n", p, i, mermaid_text(objects[i]), at);
  const char* end_class = path.outcome == sim::Outcome::Allow     ? "allow"
                          : path.outcome == sim::Outcome::Unknown ? "unknown"
                                                                  : "refused";
  for (const auto i : unreached)
    if (i != at) out += fmt::format("  class {}h{} unreached\n", p, i);
  if (!path.hops.empty()) out += fmt::format("  class {}h{} {}\n", p, at, end_class);
  out += fmt::format("  {0}end_[\"{1}<br/>{2}\"]:::{3}\n  {0}h{4} -.- {0}end_\n", p,
                     mermaid_text(outcome_line(path)), mermaid_text(path.reason.code.text), end_class, at);
  return out;
}

std::string flowchart(const sim::Verdict& verdict) {
  std::string out = "flowchart LR\n";
  const bool all = verdict.split;
  if (!all) return out + flowchart_path(deciding_path(verdict), "") + kClasses;
  for (std::size_t i = 0; i < verdict.paths.size(); ++i) {
    const auto& path = verdict.paths[i];
    out += fmt::format("  subgraph s{}[\"path {}, {:.0f}%\"]\n", i, i + 1, path.share * 100);
    out += flowchart_path(path, fmt::format("p{}", i));
    out += "  end\n";
  }
  return out + kClasses;
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
        out += fmt::format("  Note over h{}: {} {}\n", leg.to,
                           mermaid_text(object_with_rule(*node.reason.by)), to_string(node.decision));
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
    out += answers == 0 ? fmt::format("  Note over h0: {}\n", mermaid_text(outcome_line(path)))
                        : fmt::format("  h{}-->>h0: {}\n", answers, mermaid_text(outcome_line(path)));
  }
  return out;
}

// ---- DOT ----

std::string dot(const sim::Verdict& verdict) {
  std::string out =
      "digraph flow {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  edge "
      "[fontname=\"sans-serif\"];\n";
  const std::size_t count = verdict.split ? verdict.paths.size() : 1;
  for (std::size_t n = 0; n < count; ++n) {
    const auto& path = verdict.split ? verdict.paths[n] : deciding_path(verdict);
    const auto id = [&](char letter, std::size_t i) { return fmt::format("{}{}_{}", letter, n, i); };
    const std::size_t at = decided_hop(path);
    for (std::size_t i = 0; i < path.hops.size(); ++i) {
      const bool end = i == at;
      out += fmt::format("  {} [label=\"{}\"{}];\n", id('h', i), dot_text(hop_title(path.hops[i])),
                         !end                                    ? ""
                         : path.outcome == sim::Outcome::Allow   ? ", color=darkgreen, penwidth=2"
                         : path.outcome == sim::Outcome::Unknown ? ", color=orange, penwidth=2"
                                                                 : ", color=red, penwidth=2");
    }
    for (std::size_t i = 0; i < path.legs.size(); ++i) {
      const auto& leg = path.legs[i];
      const auto word = refusal_word(leg);
      const std::string label = dot_text(leg_label(leg)) + (word.empty() ? "" : "\\n" + word);
      const std::string look = refuses(leg.decision)  ? ", color=red, arrowhead=tee"
                               : leg_reached(path, i) ? ""
                                                      : ", style=dotted";
      if (leg.auxiliary) {
        out += fmt::format("  {} [label=\"{}\\n{}\"];\n  {} -> {} [label=\"{}\", style=dashed{}];\n",
                           id('a', i), dot_text(leg.purpose), dot_text(leg.destination), id('h', leg.from),
                           id('a', i), label, refuses(leg.decision) ? look : "");
      } else {
        out += fmt::format("  {} -> {} [label=\"{}\"{}];\n", id('h', leg.from), id('h', leg.to), label, look);
      }
    }
    const auto objects = deciders(path);
    for (std::size_t i = 0; i < objects.size(); ++i)
      out += fmt::format("  {0} [shape=note, label=\"{1}\"];\n  {0} -> {2} [style=dotted, arrowhead=none];\n",
                         id('p', i), dot_text(objects[i]), id('h', at));
    out += fmt::format("  {0} [shape=plaintext, label=\"{1}\\n{2}\"];\n", id('e', 0),
                       dot_text(outcome_line(path)), dot_text(path.reason.code.text));
    if (!path.hops.empty())
      out += fmt::format("  {} -> {} [style=dotted, arrowhead=none];\n", id('h', at), id('e', 0));
  }
  return out + "}\n";
}

// ---- topology ----

std::string vertex_label(const sim::Vertex& v) {
  const std::string full = v.ns.empty() ? v.name : v.ns + "/" + v.name;
  return full.empty() ? std::string(to_string(v.kind)) : fmt::format("{} {}", to_string(v.kind), full);
}

std::string edge_label(const sim::Edge& e) {
  std::string out(to_string(e.kind));
  if (e.port != 0) out += fmt::format(" :{}", e.port);
  if (e.non_tcp) out += " (not TCP)";
  return out;
}

bool on_the_wire(sim::EdgeKind kind) {
  return kind == sim::EdgeKind::Hbone || kind == sim::EdgeKind::Mtls || kind == sim::EdgeKind::Plaintext;
}

}  // namespace

std::string outcome_line(const sim::PathVerdict& path) {
  std::string out = upper(to_string(path.outcome));
  if (!path.symptom.empty() && path.outcome != sim::Outcome::Unknown) out += ": " + path.symptom;
  for (const auto& b : path.bypassed) out += ", bypasses " + b.substr(0, b.find(": "));
  return out;
}

std::string mermaid_text(std::string_view text) {
  std::string out;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  constexpr std::string_view kPlain = " ._/:,*=-()+";
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool word = is_word(text[i]);
    // The bare word "end" closes blocks wherever it stands.
    const bool starts_end = text.size() - i >= 3 && (text[i] == 'e' || text[i] == 'E') &&
                            (text[i + 1] == 'n' || text[i + 1] == 'N') &&
                            (text[i + 2] == 'd' || text[i + 2] == 'D') && (i == 0 || !is_word(text[i - 1])) &&
                            (i + 3 == text.size() || !is_word(text[i + 3]));
    if (starts_end) {
      out += fmt::format("#{};", static_cast<int>(byte));
      ++i;
    } else if (word || kPlain.find(text[i]) != std::string_view::npos) {
      out.push_back(text[i++]);
    } else if (byte < 0x20 || byte == 0x7F) {
      out.push_back(' ');
      ++i;
    } else if (byte < 0x80) {
      out += fmt::format("#{};", static_cast<int>(byte));
      ++i;
    } else {
      out.push_back(text[i++]);  // letters of other scripts mean nothing to Mermaid
    }
  }
  return out;
}

std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return out;
}

std::string path_diagram(const sim::Verdict& verdict, std::string_view format) {
  return format == "dot"                ? dot(verdict)
         : format == "mermaid-sequence" ? sequence(verdict)
                                        : flowchart(verdict);
}

std::string topology_diagram(const sim::Topology& topology, std::string_view format) {
  const bool as_dot = format == "dot";
  std::string out = as_dot
                        ? "digraph topology {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
                        : "flowchart LR\n";
  const auto vertices = topology.vertices();
  std::map<std::string, std::vector<std::size_t>> by_namespace;
  for (std::size_t i = 0; i < vertices.size(); ++i) by_namespace[vertices[i].ns].push_back(i);
  std::size_t group = 0;
  for (const auto& [ns, members] : by_namespace) {
    const bool box = !ns.empty();
    if (box)
      out += as_dot ? fmt::format("  subgraph cluster_{} {{\n  label=\"{}\";\n", group, dot_text(ns))
                    : fmt::format("  subgraph n{}[\"{}\"]\n", group, mermaid_text(ns));
    for (const auto i : members)
      out += as_dot ? fmt::format("    v{} [label=\"{}\"];\n", i, dot_text(vertex_label(vertices[i])))
                    : fmt::format("    v{}[\"{}\"]\n", i, mermaid_text(vertex_label(vertices[i])));
    if (box) out += as_dot ? "  }\n" : "  end\n";
    ++group;
  }
  for (const auto& e : topology.edges()) {
    const bool wire = on_the_wire(e.kind);
    out += as_dot ? fmt::format("  v{} -> v{} [label=\"{}\"{}];\n", e.from.index, e.to.index,
                                dot_text(edge_label(e)), wire ? "" : ", style=dashed")
                  : fmt::format("  v{} {}|\"{}\"| v{}\n", e.from.index, wire ? "-->" : "-.->",
                                mermaid_text(edge_label(e)), e.to.index);
  }
  return out + (as_dot ? "}\n" : "");
}

}  // namespace waypath::tools
