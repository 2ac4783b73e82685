#include "tools/render/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/render/json.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;
using Kind = model::CodeInfo::Kind;

constexpr std::string_view kFindings = "lint";

std::string_view kind_word(Kind kind) {
  switch (kind) {
    case Kind::Reason:
      return "reason";
    case Kind::Assumption:
      return "assumption";
    case Kind::Diagnostic:
      return "diagnostic";
    case Kind::Lint:
      return "lint";
  }
  return "";
}

void paragraph(std::string& out, std::string_view title, std::string_view text) {
  if (text.empty()) return;
  out += title.empty() ? "" : fmt::format("\n{}\n", title);
  for (const auto& line : wrapped(text, 96)) out += "  " + line + "\n";
}

// Nothing when there are no items and nothing to say about that.
void list(std::string& out, std::string_view title, const std::vector<ExplainedItem>& items,
          const std::string& none = {}) {
  if (items.empty() && none.empty()) return;
  out += fmt::format("\n{}\n", title);
  if (items.empty()) out += "  " + none + "\n";
  for (const auto& item : items) {
    for (const auto& line : wrapped(item.text, 96)) out += "  " + printable(line) + "\n";
    for (const auto& note : item.notes)
      for (const auto& line : wrapped(note, 92)) out += "      " + printable(line) + "\n";
  }
}

Json items_json(const std::vector<ExplainedItem>& items) {
  Json out = Json::array();
  for (const auto& item : items) out.push_back({{"text", item.text}, {"notes", item.notes}});
  return out;
}

Json envelope(const char* kind) {
  Json j;
  j["apiVersion"] = kApiVersion;
  j["kind"] = kind;
  return j;
}

}  // namespace

std::string codes_text(const std::vector<model::CodeInfo>& codes) {
  std::size_t width = 0;
  for (const auto& c : codes) width = std::max(width, c.code.text.size());
  std::string out;
  for (const Kind kind : {Kind::Reason, Kind::Assumption, Kind::Lint, Kind::Diagnostic}) {
    if (std::none_of(codes.begin(), codes.end(), [&](const auto& c) { return c.kind == kind; })) continue;
    out += fmt::format("{}{}s\n", out.empty() ? "" : "\n", kind_word(kind));
    for (const auto& c : codes)
      if (c.kind == kind)
        out += fmt::format("  {}  {}\n", padded(std::string(c.code.text), width), c.summary);
  }
  return out;
}

std::string code_text(const model::CodeInfo& code) {
  std::string out = fmt::format("{}  ({})\n", code.code.text, kind_word(code.kind));
  paragraph(out, "", code.summary);
  paragraph(out, "Meaning", code.meaning);
  paragraph(out, "What to do", code.fix);
  paragraph(out, "Source", code.source);
  return out;
}

std::string codes_json(const std::vector<model::CodeInfo>& codes) {
  Json j = envelope("Codes");
  j["codes"] = Json::array();
  for (const auto& c : codes) {
    Json row;
    row["code"] = c.code.text;
    row["kind"] = kind_word(c.kind);
    row["summary"] = c.summary;
    row["meaning"] = c.meaning;
    row["fix"] = c.fix;
    row["source"] = c.source;
    j["codes"].push_back(std::move(row));
  }
  return j.dump(2) + "\n";
}

std::vector<VersionDifference> version_differences(model::IstioVersion from, model::IstioVersion to) {
  const model::Profile before(from), after(to);
  std::vector<VersionDifference> out;
  for (const auto& row : model::version_table()) {
    const bool had = before.has(row.feature), has = after.has(row.feature);
    if (had != has) out.push_back({&row, has});
  }
  return out;
}

std::string versions_text(model::IstioVersion from, model::IstioVersion to) {
  const auto rows = version_differences(from, to);
  std::string out =
      fmt::format("Istio {} to {}: {} difference{} that change a path, a verdict or a symptom\n", from.str(),
                  to.str(), rows.size(), rows.size() == 1 ? "" : "s");
  for (const auto& row : rows) {
    const auto& f = *row.feature;
    out += fmt::format("\n{}  (since {})\n", f.name, f.since);
    paragraph(out, "", fmt::format("{}: {}", from.str(), row.gained ? f.before : f.after));
    paragraph(out, "", fmt::format("{}: {}", to.str(), row.gained ? f.after : f.before));
    paragraph(out, "", fmt::format("effect: {}", f.effect));
    if (!f.not_simulated.empty()) paragraph(out, "", fmt::format("not simulated: {}", f.not_simulated));
    paragraph(out, "", fmt::format("source: {}", f.source));
  }
  return out;
}

std::string versions_json(model::IstioVersion from, model::IstioVersion to) {
  Json j = envelope("VersionDifferences");
  j["from"] = from.str();
  j["to"] = to.str();
  j["differences"] = Json::array();
  for (const auto& row : version_differences(from, to)) {
    const auto& f = *row.feature;
    Json r;
    r["feature"] = f.name;
    r["gained"] = row.gained;
    r["since"] = f.since;
    r["before"] = row.gained ? f.before : f.after;
    r["after"] = row.gained ? f.after : f.before;
    r["effect"] = f.effect;
    r["simulated"] = f.not_simulated.empty();
    if (!f.not_simulated.empty()) r["notSimulated"] = f.not_simulated;
    r["source"] = f.source;
    j["differences"].push_back(std::move(r));
  }
  return j.dump(2) + "\n";
}

std::string enforcement_text(const Enforcement& e) {
  std::string out = printable(e.object) + (e.place.empty() ? "" : "  " + printable(e.place)) + "\n";
  const auto indented = [&](std::string_view text, std::size_t indent) {
    for (const auto& line : wrapped(text, 98 - indent))
      out += std::string(indent, ' ') + printable(line) + "\n";
  };
  out += "\nenforced at\n";
  for (std::size_t i = 0; i < e.enforced.size(); ++i) {
    out += "  " + printable(e.enforced[i].where) + "\n";
    // Neighbours that make the same of it share the explanation.
    if (i + 1 < e.enforced.size() && e.enforced[i + 1].notes == e.enforced[i].notes) continue;
    for (const auto& note : e.enforced[i].notes) indented(note, 6);
  }
  if (e.enforced.empty()) out += "  nothing: no proxy and no pod of this cluster has it\n";
  if (!e.not_enforced.empty()) out += "\nnot enforced at\n";
  for (const auto& n : e.not_enforced) {
    out += "  " + printable(n.where) + (n.place.empty() ? "" : "  " + printable(n.place)) + "\n";
    indented(n.why, 6);
  }
  if (!e.conditions.empty()) out += "\nstatus that istiod writes\n";
  for (const auto& c : e.conditions)
    indented(fmt::format("{}: {} ({}): {}", c.type, c.status ? "True" : "False", c.reason, c.message), 2);
  list(out, kFindings, e.findings);
  return out;
}

std::string enforcement_json(const Enforcement& e) {
  Json j = envelope("Enforcement");
  j["object"] = e.object;
  j["place"] = e.place;
  j["enforced"] = Json::array();
  j["points"] = Json::array();
  for (const auto& at : e.enforced) {
    j["enforced"].push_back(at.where);
    j["points"].push_back({{"where", at.where}, {"notes", at.notes}});
  }
  j["notEnforced"] = Json::array();
  for (const auto& n : e.not_enforced) {
    Json row{{"where", n.where}, {"why", n.why}};
    if (!n.place.empty()) row["place"] = n.place;
    j["notEnforced"].push_back(std::move(row));
  }
  if (!e.conditions.empty()) {
    j["conditions"] = Json::array();
    for (const auto& c : e.conditions)
      j["conditions"].push_back(
          {{"type", c.type}, {"status", c.status}, {"reason", c.reason}, {"message", c.message}});
  }
  j["findings"] = items_json(e.findings);
  return j.dump(2) + "\n";
}

std::string binding_text(const ServiceBinding& b) {
  std::string out = printable(b.object) + (b.place.empty() ? "" : "  " + printable(b.place)) + "\n";
  const auto said = [&](const std::string& text, const std::string& place) {
    for (const auto& line : wrapped(text, 92)) out += "  " + printable(line) + "\n";
    if (!place.empty()) out += "    " + printable(place) + "\n";
  };
  out +=
      fmt::format("\nwaypoint: {}\n", b.waypoint.empty() ? b.state : printable(b.waypoint) + ", " + b.state);
  said(b.why, b.why_place);
  if (b.state == "bound") {
    const auto ready = std::count_if(b.pods.begin(), b.pods.end(), [](const auto& p) { return p.ready; });
    out += fmt::format("  {} of {} pods ready{}\n", ready, b.pods.size(),
                       ready == 0 ? ": requests fail, none goes direct" : "");
    for (const auto& pod : b.pods)
      out += fmt::format("    {}{}\n", printable(pod.name), pod.ready ? "" : "  not ready");
  }
  out += fmt::format("\ngateways: {}\n", b.gateways_use_it ? "through the waypoint" : "straight to the pods");
  said(b.gateways, b.gateways_place);
  for (const auto& assumption : b.assumptions) said("assumed: " + assumption, "");
  list(out, kFindings, b.findings);
  return out;
}

std::string binding_json(const ServiceBinding& b) {
  Json j = envelope("ServiceBinding");
  j["object"] = b.object;
  j["place"] = b.place;
  j["waypoint"] = b.waypoint.empty() ? Json(nullptr) : Json(b.waypoint);
  j["state"] = b.state;
  j["why"] = b.why;
  j["whyPlace"] = b.why_place;
  j["gatewaysUseIt"] = b.gateways_use_it;
  j["gateways"] = b.gateways;
  j["gatewaysPlace"] = b.gateways_place;
  j["pods"] = Json::array();
  for (const auto& pod : b.pods) j["pods"].push_back({{"name", pod.name}, {"ready", pod.ready}});
  j["assumptions"] = b.assumptions;
  j["findings"] = items_json(b.findings);
  return j.dump(2) + "\n";
}

std::string object_text(const ObjectExplanation& e) {
  std::string out = printable(e.object) + (e.place.empty() ? "" : "  " + printable(e.place)) + "\n";
  for (const auto& section : e.sections) list(out, section.title, section.items, section.none);
  return out;
}

// Policies keep the keys that they have had: "enforced" is a list of places, "notEnforced" of {where, why}.
std::string object_json(const ObjectExplanation& e) {
  Json j = envelope("Explanation");
  j["object"] = e.object;
  j["place"] = e.place;
  for (const auto& section : e.sections) {
    if (section.key == "notEnforced") {
      j[section.key] = Json::array();
      for (const auto& item : section.items)
        j[section.key].push_back(
            {{"where", item.text}, {"why", fmt::format("{}", fmt::join(item.notes, "; "))}});
    } else if (section.key == "enforced") {
      j[section.key] = Json::array();
      for (const auto& item : section.items) j[section.key].push_back(item.text);
      j["points"] = items_json(section.items);
    } else {
      j[section.key] = items_json(section.items);
    }
  }
  return j.dump(2) + "\n";
}

}  // namespace waypath::tools
