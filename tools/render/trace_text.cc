#include "tools/render/trace_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/reasons/walk.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kShortList = 3;  // deciders and near misses named without -v
constexpr std::size_t kMargin = 5;     // of what stands below a leg

std::string decision_word(sim::Decision decision) {
  switch (decision) {
    case sim::Decision::NotApplicable:
      return "-";
    case sim::Decision::Drop:
      return "DROPPED";
    case sim::Decision::Deny:
      return "DENIED";
    case sim::Decision::Allow:
    case sim::Decision::Unknown:
      break;
  }
  return std::string(to_string(decision));
}

bool refuses(sim::Decision decision) {
  return decision == sim::Decision::Deny || decision == sim::Decision::Drop ||
         decision == sim::Decision::Unknown;
}

bool named(const sim::TraceNode& node) { return node.reason.by && !node.reason.by->key.name.empty(); }

// "NetworkPolicy monitoring/allow-x rule 0": the layer names the kind unless it says something else.
std::string node_title(const sim::TraceNode& node, bool with_section) {
  if (!named(node)) return node.layer;
  const auto& by = *node.reason.by;
  const std::string kind = by.key.kind.str();
  std::string out = node.layer.compare(0, kind.size(), kind) == 0
                        ? node.layer
                        : node.layer + (node.layer.empty() ? "" : " ") + kind;
  out += " " + (by.key.ns.empty() ? "" : by.key.ns.str() + "/") + by.key.name.str();
  if (by.rule < 0) return out;
  // The direction of a NetworkPolicy rule stands at the start of the row already.
  const bool say = with_section && by.section != "rules" && !by.section.empty();
  return out + (say ? " " + by.section : "") + fmt::format(" rule {}", by.rule);
}

struct Row {
  std::string where, title, word, place, detail;
  sim::Decision decision = sim::Decision::NotApplicable;
  friend bool operator==(const Row&, const Row&) = default;
};

class Writer {
 public:
  Writer(const model::SourceFiles& files, const TextOptions& options)
      : files_(files), options_(options), paint_(options.colour) {}

  std::string flow(const sim::Verdict& verdict) {
    const auto& main = deciding_path(verdict);
    const std::string head = printable(verdict.from + " -> " + verdict.to);
    const std::string said = printable(outcome_words(main));
    const std::string word = said.substr(0, said.find(' '));
    const std::string rest = said.substr(word.size());
    const std::size_t room = kWidth - std::min(kWidth - 20, options_.indent.size());
    if (columns(head) + 3 + columns(said) <= room) {
      line(padded(head, std::max<std::size_t>(columns(head) + 3, 50)) + paint_.outcome(main.outcome, word) +
           rest);
    } else {
      line(head);
      line("  " + paint_.outcome(main.outcome, word) + shortened(rest, room - 2 - columns(word)));
    }
    if (columns(said) + 2 > room) line("  " + printable(main.symptom));
    if (verdict.paths.size() > 1) split(verdict);
    std::set<std::string> seen;
    for (std::size_t i = 0; i < verdict.paths.size(); ++i) {
      const bool same = !verdict.split && !options_.verbose && i > 0;
      if (same) continue;
      if (verdict.paths.size() > 1 && (verdict.split || options_.verbose))
        line(paint_.bold(fmt::format("path {} of {}, share {:.0f}%: {}", i + 1, verdict.paths.size(),
                                     verdict.paths[i].share * 100,
                                     printable(outcome_words(verdict.paths[i])))));
      path(verdict.paths[i]);
    }
    const bool assumed = std::any_of(main.assumptions.begin(), main.assumptions.end(),
                                     [](const auto& a) { return a.code.text == sim::kAssumeVersion.text; });
    if (!assumed && !verdict.istio_version.empty())
      line("  with the rules of Istio " + verdict.istio_version);
    return std::move(out_);
  }

 private:
  void line(const std::string& text) {
    std::string kept = text;
    while (!kept.empty() && kept.back() == ' ') kept.pop_back();
    out_ += options_.indent + kept + "\n";
  }
  void paragraph(std::size_t margin, const std::string& first, std::string_view text) {
    const std::size_t used = options_.indent.size() + margin + columns(first);
    const auto lines = wrapped(text, used + 20 < kWidth ? kWidth - used : 40);
    for (std::size_t i = 0; i < lines.size(); ++i)
      line(std::string(margin, ' ') + (i == 0 ? first : std::string(columns(first), ' ')) +
           printable(lines[i]));
    if (lines.empty() && !first.empty()) line(std::string(margin, ' ') + first);
  }

  static std::string shortened(const std::string& text, std::size_t width) {
    if (columns(text) <= width) return text;
    std::string out = text.substr(0, width - 3);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80)
      out.pop_back();  // no half letter
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    return out + "...";
  }

  void split(const sim::Verdict& verdict) {
    if (!verdict.split) {
      if (options_.verbose) return;
      line(fmt::format("  {} paths, all alike; the first is shown", verdict.paths.size()));
      return;
    }
    std::vector<std::string> parts;
    for (const auto& p : verdict.paths)
      parts.push_back(fmt::format("{:.0f}% {}", p.share * 100, to_string(p.outcome)));
    line("  paths differ: " + join(parts, ", "));
  }

  void path(const sim::PathVerdict& path) {
    legs(path);
    reason(path);
    tail(path);
  }

  // ---- legs and what stands below them ----

  struct LegLine {
    std::string ends, wire, as;
    bool reached = false;
    std::size_t leg = 0;
    std::vector<Row> rows;
  };

  void legs(const sim::PathVerdict& path) {
    std::vector<LegLine> lines;
    std::size_t ends_width = 0, wire_width = 0;
    std::string from;  // of the next line; legs inside a pod that decide nothing are folded into it
    for (std::size_t i = 0; i < path.legs.size(); ++i) {
      const auto& leg = path.legs[i];
      if (leg.auxiliary) continue;
      LegLine l;
      l.reached = leg_reached(path, i);
      if (!l.reached && !options_.verbose) continue;
      l.leg = i;
      if (l.reached) {
        const bool here = path.decided_at_leg == i;
        add_rows(l.rows, "egress", leg.egress, here);
        add_rows(l.rows, "ingress", leg.ingress, here);
        if (!here) add_hop_rows(l.rows, path, leg.to);
      }
      if (from.empty())
        from = i == 0 ? hop_title(path.hops[leg.from]) : std::string(to_string(path.hops[leg.from].kind));
      const bool inside = leg.transport == sim::Transport::InPod;
      const bool decided = path.decided_at_hop == leg.to && path.outcome != sim::Outcome::Allow;
      if (inside && l.rows.empty() && !decided && !options_.verbose) continue;
      const auto& to = path.hops[leg.to];
      l.ends = printable(from + " -> " + hop_title(to));
      from = std::string(to_string(to.kind));
      l.wire = inside ? std::string("in pod")
                      : fmt::format("{}{} {}", leg.protocol == "TCP" ? "" : leg.protocol + " ",
                                    to_string(leg.transport), port_text(leg));
      if (l.reached && to.seen_peer.present()) l.as = "as " + printable(to.seen_peer.principal);
      ends_width = std::max(ends_width, columns(l.ends));
      wire_width = std::max(wire_width, columns(l.wire));
      lines.push_back(std::move(l));
    }
    ends_width =
        std::min(ends_width, kWidth - std::min(kWidth, options_.indent.size() + kMargin + wire_width + 15));
    if (!path.hops.empty()) {
      std::vector<Row> rows;
      add_hop_rows(rows, path, 0);
      put(rows);
      calls(path, 0);
    }
    for (std::size_t n = 0; n < lines.size(); ++n) {
      const auto& l = lines[n];
      const auto decision = path.legs[l.leg].decision;
      const std::string state = !l.reached                           ? "not reached"
                                : decision == sim::Decision::Drop    ? "DROPPED"
                                : decision == sim::Decision::Deny    ? "REFUSED"
                                : decision == sim::Decision::Unknown ? "unknown"
                                                                     : "ok";
      const std::string head =
          fmt::format("{:>3}  {}  {}  ", n + 1, padded(l.ends, ends_width), padded(l.wire, wire_width));
      const bool beside = options_.indent.size() + columns(head) + state.size() + 2 + columns(l.as) <= kWidth;
      line(head + (refuses(decision) && l.reached ? paint_.decision(decision, state) : state) +
           (beside ? "  " + paint_.dim(l.as) : ""));
      if (!beside && !l.as.empty()) line(std::string(kMargin, ' ') + paint_.dim(l.as));
      put(l.rows);
      if (l.reached && path.decided_at_leg != l.leg) calls(path, path.legs[l.leg].to);
    }
  }

  // Connections beside the request: to ext_authz providers and name servers.
  void calls(const sim::PathVerdict& path, std::size_t index) {
    for (const auto& leg : path.legs) {
      if (!leg.auxiliary || leg.from != index) continue;
      const bool blocked = refuses(leg.decision);
      if (!blocked && !options_.verbose && leg.purpose.compare(0, 3, "DNS") == 0) continue;
      line(fmt::format("{}{} -> {}  {} {}  {}", std::string(kMargin, ' '), printable(leg.purpose),
                       printable(leg.destination), to_string(leg.transport), port_text(leg),
                       blocked ? paint_.decision(leg.decision, decision_word(leg.decision)) : "ok"));
      std::vector<Row> rows;
      add_rows(rows, "egress", leg.egress, blocked);
      add_rows(rows, "ingress", leg.ingress, blocked);
      put(rows, kMargin + 2);
    }
  }

  void add_hop_rows(std::vector<Row>& rows, const sim::PathVerdict& path, std::size_t index) {
    const auto& hop = path.hops[index];
    add_rows(rows, std::string(to_string(hop.kind)), hop.decisions,
             path.decided_at_hop == index && path.outcome != sim::Outcome::Allow);
  }

  // Short form: who allowed and who refused; with -v also every policy that was considered.
  void add_rows(std::vector<Row>& rows, const std::string& where, const std::vector<sim::TraceNode>& nodes,
                bool here, int depth = 0, const sim::TraceNode* parent = nullptr) {
    for (const auto& node : nodes) {
      // The rule that decided for its policy says the same again.
      const bool repeats = parent != nullptr && parent->decision == node.decision &&
                           parent->reason.by == node.reason.by && parent->reason.detail == node.reason.detail;
      if (repeats && !options_.verbose) continue;
      const bool refusal = refuses(node.decision);
      const bool allows = node.decision == sim::Decision::Allow && depth == 0 && named(node);
      if (options_.verbose || refusal || allows) {
        Row row;
        row.where = where;
        row.title = std::string(static_cast<std::size_t>(depth) * 2, ' ') +
                    printable(node_title(
                        node, where != node.layer && (node.reason.by && node.reason.by->section != where)));
        row.word = decision_word(node.decision);
        row.decision = node.decision;
        if (node.reason.by) row.place = place_of(files_, node.reason.by->pos, !options_.verbose);
        if (options_.verbose || refusal) row.detail = node.reason.detail;
        if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
      }
      if (options_.verbose || refusal || here) add_rows(rows, where, node.children, here, depth + 1, &node);
    }
  }

  void put(const std::vector<Row>& rows, std::size_t indent = kMargin) {
    std::size_t where = 0, word = 0, title = 0;
    for (const auto& r : rows) {
      where = std::max(where, columns(r.where));
      word = std::max(word, columns(r.word));
    }
    const std::size_t start = options_.indent.size() + indent + where + 2 + word + 2;
    for (const auto& r : rows)
      if (start + columns(r.title) + 2 + columns(r.place) <= kWidth)
        title = std::max(title, columns(r.title));
    for (const auto& r : rows) {
      const std::string said = padded(r.word, word);
      const bool fits = start + std::max(title, columns(r.title)) + 2 + columns(r.place) <= kWidth;
      line(fmt::format("{}{}  {}  {}{}", std::string(indent, ' '), padded(r.where, where),
                       paint_.decision(r.decision, said), fits ? padded(r.title, title) : r.title,
                       fits && !r.place.empty() ? "  " + paint_.dim(printable(r.place)) : ""));
      const std::size_t margin = start - options_.indent.size() + 2;
      if (!fits) line(std::string(margin, ' ') + paint_.dim(printable(r.place)));
      if (!r.detail.empty()) paragraph(margin, "", r.detail);
    }
  }

  // ---- the decision and what surrounds it ----

  void reason(const sim::PathVerdict& path) {
    std::string by, place;
    if (path.reason.by && !path.reason.by->key.name.empty()) {
      by = object_with_rule(*path.reason.by);
      place = place_of(files_, path.reason.by->pos);
    }
    const std::string code(path.reason.code.text);
    const bool fits = options_.indent.size() + 6 + columns(code) + columns(by) + columns(place) <= kWidth;
    line("  " + paint_.outcome(path.outcome, code) + (by.empty() ? "" : "  " + printable(by)) +
         (fits && !place.empty() ? "  " + printable(place) : ""));
    if (!fits && !place.empty()) line("    " + printable(place));
    if (path.outcome != sim::Outcome::Allow || options_.verbose || !named_by(path))
      paragraph(4, "", path.reason.detail);
    std::set<std::string> said{path.reason.by ? path.reason.by->key.str() : ""};
    if (path.outcome == sim::Outcome::Allow && !options_.verbose) return;
    std::size_t more = 0;
    for (const auto& decider : path.deciders) {
      if (!said.insert(decider.key.str()).second) continue;
      if (said.size() <= kShortList || options_.verbose)
        also("with ", decider);
      else
        ++more;
    }
    if (more > 0) line(fmt::format("  and {} more that isolate the pod (-v names them)", more));
  }

  static bool named_by(const sim::PathVerdict& path) {
    return path.reason.by && !path.reason.by->key.name.empty();
  }

  void also(const std::string& title, const sim::ObjectAt& object) {
    const std::string text = object_with_rule(object), place = place_of(files_, object.pos);
    const bool fits = options_.indent.size() + 4 + title.size() + columns(text) + columns(place) <= kWidth;
    line("  " + title + printable(text) +
         (fits && !place.empty() ? "  " + paint_.dim(printable(place)) : ""));
    if (!fits && !place.empty()) line("      " + paint_.dim(printable(place)));
  }

  void list(const std::string& title, const std::vector<std::string>& items) {
    for (const auto& item : items) paragraph(2, title + " ", item);
  }

  void tail(const sim::PathVerdict& path) {
    list("bypass:", path.bypassed);
    for (const auto& cause : path.bypass_causes) also("  change ", cause);
    list("missing fact:", path.missing_facts);
    if (!path.response.answered_by.empty()) line("  answered by " + printable(path.response.answered_by));
    if (path.backend_request && path.outcome == sim::Outcome::Allow) backend(*path.backend_request, path);
    std::set<std::string> seen;
    for (const auto& miss : path.near_misses) {
      const std::string where = place_of(files_, miss.object.pos);
      const std::string text =
          object_with_rule(miss.object) + ": " + miss.detail + (where.empty() ? "" : "  " + where);
      if (!seen.insert(text).second) continue;
      if (seen.size() <= kShortList || options_.verbose) paragraph(2, "nearly: ", text);
    }
    if (seen.size() > kShortList && !options_.verbose)
      line(fmt::format("  and {} more near miss{} (-v names them)", seen.size() - kShortList,
                       seen.size() - kShortList == 1 ? "" : "es"));
    if (options_.verbose) {
      list("note:", path.notes);
    }
    for (const auto& assumption : path.assumptions) {
      const std::string where = place_of(files_, assumption.pos);
      paragraph(2, "assumed: ",
                fmt::format("{}  {}{}", assumption.code.text, assumption.detail,
                            where.empty() ? "" : "  " + where));
    }
  }

  void backend(const sim::BackendRequest& request, const sim::PathVerdict& path) {
    const bool changed = !request.headers.empty() || !request.removed_headers.empty();
    if (!changed && !options_.verbose) return;
    line(fmt::format("  the backend {} receives host {}, path {}, port {}", printable(path.backend),
                     printable(request.host), printable(request.path), request.port));
    for (const auto& [name, value] : request.headers) paragraph(4, "set ", name + ": " + value);
    for (const auto& name : request.removed_headers) paragraph(4, "removed ", name);
  }

  const model::SourceFiles& files_;
  const TextOptions& options_;
  Paint paint_;
  std::string out_;
};

}  // namespace

std::string outcome_words(const sim::PathVerdict& path) {
  std::string out = upper(to_string(path.outcome));
  if (path.outcome == sim::Outcome::Allow && !path.bypassed.empty()) {
    const auto& first = path.bypassed.front();
    out += " (bypasses " + first.substr(0, first.find(": ")) + ")";
    if (path.bypassed.size() > 1)
      out.insert(out.size() - 1, fmt::format(" and {} more", path.bypassed.size() - 1));
  }
  if (!path.symptom.empty() && path.outcome != sim::Outcome::Unknown)
    out += "   client sees: " + path.symptom;
  return out;
}

std::string trace_text(const sim::Verdict& verdict, const model::SourceFiles& files,
                       const TextOptions& options) {
  return Writer(files, options).flow(verdict);
}

}  // namespace waypath::tools
