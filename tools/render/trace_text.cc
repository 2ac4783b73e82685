#include <fmt/format.h>

#include <algorithm>

#include "tools/render/render.h"

namespace waypath::tools {
namespace {

using sim::Decision;
using sim::Outcome;

class Text {
 public:
  Text(const model::SourceFiles& files, const TextStyle& style) : files_(files), style_(style) {}

  std::string verdict(const sim::Verdict& v) {
    if (v.paths.empty()) return fmt::format("{} -> {}   {}\n", v.from, v.to, colour(v.outcome, "UNKNOWN"));
    for (std::size_t i = 0; i < v.paths.size(); ++i) {
      const auto& p = v.paths[i];
      if (i != 0) out_ += "\n";
      head(v, p, i);
      path(p);
    }
    if (v.split)
      out_ += "\nThe paths differ in outcome: what a client sees depends on the path its request takes.\n";
    return std::move(out_);
  }

 private:
  std::string colour(Outcome o, const std::string& text) const {
    if (!style_.colour) return text;
    const int code = o == Outcome::Allow         ? 32
                     : o == Outcome::Unknown     ? 35
                     : o == Outcome::Unreachable ? 33
                                                 : 31;
    return fmt::format("\x1b[1;{}m{}\x1b[0m", code, text);
  }

  static std::string upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return out;
  }

  void head(const sim::Verdict& v, const sim::PathVerdict& p, std::size_t index) {
    std::string outcome = colour(p.outcome, upper(sim::to_string(p.outcome)));
    if (p.outcome == Outcome::Allow && !p.bypassed.empty())
      outcome += " (bypasses " + p.bypassed.front() + ")";
    out_ += fmt::format("{} -> {}", v.from, v.to);
    if (v.paths.size() > 1)
      out_ +=
          fmt::format("   [path {} of {}, {:.0f}% of requests]", index + 1, v.paths.size(), p.share * 100);
    out_ += fmt::format("\n  {}   client sees: {}\n", outcome, p.symptom.empty() ? "-" : p.symptom);
    if (!p.reason.code.text.empty() && p.outcome != Outcome::Allow) {
      out_ += fmt::format("  {}{}\n", p.reason.code.text, p.reason.by ? "  " + object(*p.reason.by) : "");
      if (!p.reason.detail.empty()) out_ += "    " + p.reason.detail + "\n";
    }
    out_ += "\n";
  }

  std::string object(const sim::ObjectAt& o) const {
    std::string out = o.key.str();
    if (o.rule >= 0) out += fmt::format(" {}[{}]", o.section.empty() ? "rule" : o.section, o.rule);
    const auto place = files_.format({o.pos.file, o.pos.line, 0});
    if (!place.empty()) out += "  " + place.substr(0, place.size());
    return out;
  }

  static std::string hop(const sim::HopResult& h) {
    const std::string name = h.ns.empty() ? h.name : h.ns + "/" + h.name;
    switch (h.kind) {
      case sim::HopKind::External:
      case sim::HopKind::Node:
      case sim::HopKind::Address:
        return name;
      case sim::HopKind::Client:
        return "client " + name;
      case sim::HopKind::Application:
        return "app " + name;
      default:
        return std::string(sim::to_string(h.kind)) + " " + name;
    }
  }

  void node(const sim::TraceNode& n, std::string_view side, bool force) {
    const bool decided = n.decision != Decision::NotApplicable;
    if (!decided && !style_.verbose && !force) return;
    const std::string word =
        n.decision == Decision::NotApplicable ? "-" : std::string(sim::to_string(n.decision));
    out_ += fmt::format("       {:<8} {:<26} {:<6}", side, n.layer, word);
    if (n.reason.by) out_ += " " + object(*n.reason.by);
    out_ += "\n";
    if (!n.reason.detail.empty() && (style_.verbose || n.decision != Decision::Allow || !n.reason.by))
      out_ += "                " + n.reason.detail + "\n";
    if (style_.verbose)
      for (const auto& child : n.children) node(child, "", true);
  }

  void leg(const sim::PathVerdict& p, const sim::LegResult& l, std::size_t number, bool decided_here) {
    std::string line = fmt::format("  {:<2} {} -> {}", number, hop(p.hops[l.from]), hop(p.hops[l.to]));
    if (l.auxiliary) line += "  (" + l.purpose + ")";
    std::string wire;
    if (l.transport != sim::Transport::InPod) {
      wire = fmt::format(":{} {}{}", l.wire_port, l.protocol == "TCP" ? "" : l.protocol + " ",
                         sim::to_string(l.transport));
      if (l.inner_port != 0 && l.inner_port != l.wire_port)
        wire += fmt::format(" (carries {})", l.inner_port);
    } else {
      wire = fmt::format(":{} in pod", l.inner_port != 0 ? l.inner_port : l.wire_port);
    }
    std::string state = l.dropped                         ? "DROPPED"
                        : l.decision == Decision::Deny    ? "REFUSED"
                        : l.decision == Decision::Unknown ? "UNKNOWN"
                                                          : "ok";
    if (decided_here && state == "ok") state = "FAILS";
    if (state != "ok" && style_.colour) state = colour(Outcome::Timeout, state);
    out_ += fmt::format("{:<70} {:<28} {}\n", line, wire, state);
    for (const auto& n : l.egress)
      node(n, "egress", n.decision != Decision::Allow && n.decision != Decision::NotApplicable);
    for (const auto& n : l.ingress)
      node(n, "ingress", n.decision != Decision::Allow && n.decision != Decision::NotApplicable);
  }

  void decisions(const sim::HopResult& h) {
    const bool any = std::any_of(h.decisions.begin(), h.decisions.end(),
                                 [](const auto& n) { return n.decision != Decision::NotApplicable; });
    if (!any && !style_.verbose) return;
    if (h.seen_peer.present())
      out_ += fmt::format("       at {} the caller is {}\n", hop(h), h.seen_peer.principal);
    for (const auto& n : h.decisions) node(n, sim::to_string(h.kind), false);
  }

  void path(const sim::PathVerdict& p) {
    std::size_t number = 1, reached = 0;
    for (std::size_t i = 0; i < p.legs.size(); ++i) {
      const auto& l = p.legs[i];
      const bool late = p.decided_at_leg && !l.auxiliary && i > *p.decided_at_leg;
      const bool after_hop =
          p.decided_at_hop && !p.decided_at_leg && !l.auxiliary && l.from >= *p.decided_at_hop;
      if (late || after_hop) {
        out_ +=
            fmt::format("  {:<2} {} -> {}   not reached\n", number++, hop(p.hops[l.from]), hop(p.hops[l.to]));
        continue;
      }
      leg(p, l, number++, false);
      if (!l.auxiliary && !l.dropped && l.to < p.hops.size()) {
        reached = l.to;
        if (!(p.decided_at_leg && *p.decided_at_leg == i)) decisions(p.hops[l.to]);
      }
    }
    (void)reached;
    for (const auto& b : p.bypassed) out_ += "  bypassed: " + b + "\n";
    if (!p.bypassed.empty())
      for (const auto& c : p.bypass_causes) out_ += "            see " + object(c) + "\n";
    for (const auto& m : p.missing_facts) out_ += "  missing fact: " + m + "\n";
    near_misses(p);
    for (const auto& n : p.notes) out_ += "  note: " + n + "\n";
    for (const auto& a : p.assumptions) out_ += fmt::format("  assumes {}: {}\n", a.code.text, a.detail);
  }

  void near_misses(const sim::PathVerdict& p) {
    if (p.outcome == Outcome::Allow || p.near_misses.empty()) return;
    const std::size_t most =
        style_.verbose ? p.near_misses.size() : std::min<std::size_t>(p.near_misses.size(), 5);
    for (std::size_t i = 0; i < most; ++i)
      out_ += fmt::format("  near miss: {}\n             {}\n", object(p.near_misses[i].object),
                          p.near_misses[i].detail);
    if (most < p.near_misses.size())
      out_ += fmt::format("  ... and {} further near misses (-v)\n", p.near_misses.size() - most);
  }

  const model::SourceFiles& files_;
  const TextStyle& style_;
  std::string out_;
};

}  // namespace

std::string trace_text(const sim::Verdict& verdict, const model::SourceFiles& files, const TextStyle& style) {
  return Text(files, style).verdict(verdict);
}

}  // namespace waypath::tools
