#include <fmt/format.h>

#include "tools/render/render.h"

namespace waypath::tools {
namespace {

std::string hop_label(const sim::HopResult& h) {
  const std::string name = h.ns.empty() ? h.name : h.ns + "/" + h.name;
  if (h.kind == sim::HopKind::External || h.kind == sim::HopKind::Address || h.kind == sim::HopKind::Node)
    return name;
  return std::string(sim::to_string(h.kind)) + " " + name;
}

std::string leg_label(const sim::LegResult& l) {
  if (l.transport == sim::Transport::InPod) return "in pod";
  std::string out = fmt::format("{} :{}", sim::to_string(l.transport), l.wire_port);
  if (l.inner_port != 0 && l.inner_port != l.wire_port) out += fmt::format(" ({})", l.inner_port);
  return out;
}

bool reached(const sim::PathVerdict& p, std::size_t leg) {
  const auto& l = p.legs[leg];
  if (l.auxiliary) return true;
  if (p.decided_at_leg) return leg <= *p.decided_at_leg;
  return !p.decided_at_hop || l.from < *p.decided_at_hop;
}

std::string decider(const sim::PathVerdict& p) {
  std::string out(p.reason.code.text);
  if (p.reason.by) out += " " + p.reason.by->key.str();
  return out;
}

}  // namespace

// Everything but letters, digits and a few harmless signs becomes a character reference, which Mermaid and
// HTML show literally.
std::string mermaid_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == ' ' || c == '/' || c == '.' || c == '-' || c == '_' || c == ':' || c == '(' ||
                       c == ')' || c == ',';
    if (plain) {
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out.push_back(' ');
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      out.push_back(c);
    } else {
      out += fmt::format("#{};", static_cast<int>(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::string mermaid_flowchart(const sim::Verdict& v) {
  std::string out = "flowchart LR\n";
  for (std::size_t n = 0; n < v.paths.size(); ++n) {
    const auto& p = v.paths[n];
    const auto id = [&](std::size_t hop) { return fmt::format("p{}h{}", n, hop); };
    for (std::size_t i = 0; i < p.hops.size(); ++i) {
      const auto& h = p.hops[i];
      const std::string label = mermaid_escape(hop_label(h));
      const bool proxy = h.kind == sim::HopKind::Gateway || h.kind == sim::HopKind::Waypoint ||
                         h.kind == sim::HopKind::Sidecar;
      out += h.kind == sim::HopKind::Ztunnel ? fmt::format("  {}([\"{}\"])\n", id(i), label)
             : proxy                         ? fmt::format("  {}{{{{\"{}\"}}}}\n", id(i), label)
                                             : fmt::format("  {}[\"{}\"]\n", id(i), label);
    }
    for (std::size_t i = 0; i < p.legs.size(); ++i) {
      const auto& l = p.legs[i];
      const std::string label = mermaid_escape(leg_label(l));
      if (l.dropped) {
        out += fmt::format("  {} --x|\"{} DROPPED: {}\"| {}\n", id(l.from), label,
                           mermaid_escape(l.auxiliary ? l.purpose : decider(p)), id(l.to));
      } else if (l.auxiliary) {
        out +=
            fmt::format("  {} -. \"{} {}\" .-> {}\n", id(l.from), label, mermaid_escape(l.purpose), id(l.to));
      } else if (!reached(p, i)) {
        out += fmt::format("  {} -. \"not reached\" .-> {}\n", id(l.from), id(l.to));
      } else {
        out += fmt::format("  {} -->|\"{}\"| {}\n", id(l.from), label, id(l.to));
      }
    }
    if (p.decided_at_hop && !p.decided_at_leg && p.outcome != sim::Outcome::Allow) {
      out += fmt::format("  p{}d[/\"{}: {}\"/]\n", n, mermaid_escape(p.symptom), mermaid_escape(decider(p)));
      out += fmt::format("  {} --- p{}d\n", id(*p.decided_at_hop), n);
      out += fmt::format("  style p{}d stroke:#c00,stroke-width:2px\n", n);
    }
    const auto last = p.decided_at_leg && *p.decided_at_leg < p.legs.size()
                          ? p.legs[*p.decided_at_leg].to
                          : p.decided_at_hop.value_or(p.hops.empty() ? 0 : p.hops.size() - 1);
    if (!p.hops.empty())
      out += fmt::format("  style {} stroke:{},stroke-width:2px\n", id(std::min(last, p.hops.size() - 1)),
                         p.outcome == sim::Outcome::Allow ? "#080" : "#c00");
  }
  return out;
}

std::string mermaid_sequence(const sim::Verdict& v) {
  std::string out = "sequenceDiagram\n";
  if (v.paths.empty()) return out;
  const auto& p = v.paths.front();
  for (std::size_t i = 0; i < p.hops.size(); ++i)
    out += fmt::format("  participant h{} as {}\n", i, mermaid_escape(hop_label(p.hops[i])));
  const auto notes = [&](std::size_t hop) {
    for (const auto& n : p.hops[hop].decisions)
      if (n.decision != sim::Decision::NotApplicable)
        out += fmt::format("  Note over h{}: {} {}{}\n", hop, mermaid_escape(n.layer),
                           mermaid_escape(sim::to_string(n.decision)),
                           n.reason.by ? " by " + mermaid_escape(n.reason.by->key.str()) : "");
  };
  for (std::size_t i = 0; i < p.legs.size(); ++i) {
    const auto& l = p.legs[i];
    if (!reached(p, i)) break;
    const std::string label = mermaid_escape(leg_label(l) + (l.auxiliary ? " " + l.purpose : ""));
    out += fmt::format("  h{}{}h{}: {}\n", l.from,
                       l.dropped     ? "-x"
                       : l.auxiliary ? "-->>"
                                     : "->>",
                       l.to, label);
    if (l.dropped) {
      out += fmt::format("  Note over h{},h{}: DROPPED {}\n", std::min(l.from, l.to), std::max(l.from, l.to),
                         mermaid_escape(decider(p)));
      if (!l.auxiliary) break;
    }
    if (!l.auxiliary) notes(l.to);
  }
  out += fmt::format("  Note over h0: {} - {}\n", mermaid_escape(sim::to_string(p.outcome)),
                     mermaid_escape(p.symptom));
  return out;
}

std::string dot_graph(const sim::Verdict& v) {
  const auto quote = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
    return out + "\"";
  };
  std::string out = "digraph waypath {\n  rankdir=LR;\n  node [shape=box];\n";
  for (std::size_t n = 0; n < v.paths.size(); ++n) {
    const auto& p = v.paths[n];
    for (std::size_t i = 0; i < p.hops.size(); ++i)
      out += fmt::format("  p{}h{} [label={}];\n", n, i, quote(hop_label(p.hops[i])));
    for (std::size_t i = 0; i < p.legs.size(); ++i) {
      const auto& l = p.legs[i];
      out += fmt::format("  p{}h{} -> p{}h{} [label={}{}];\n", n, l.from, n, l.to,
                         quote(leg_label(l) + (l.dropped ? " DROPPED " + decider(p) : "")),
                         l.dropped       ? ", color=red"
                         : reached(p, i) ? ""
                                         : ", style=dotted");
    }
  }
  return out + "}\n";
}

}  // namespace waypath::tools
