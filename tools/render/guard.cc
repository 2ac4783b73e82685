#include "tools/render/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/ways.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::GuardReport;
using scenarios::Way;
using scenarios::WayFinding;
using Verdict = GuardReport::Verdict;

constexpr std::size_t kShown = 5;

std::string points_words(const GuardReport& r) {
  std::vector<std::string> out;
  for (const auto& p : r.points) out.push_back(p.title);
  return join(out, " or ");
}

const char* verdict_word(Verdict v) {
  switch (v) {
    case Verdict::Guarded:
      return "GUARDED";
    case Verdict::Bypass:
      return "BYPASS";
    case Verdict::Undecided:
      return "UNDECIDED";
    case Verdict::Unproven:
      return "NOT PROVEN";
    case Verdict::Unreached:
      return "UNREACHED";
  }
  return "";
}

const char* verdict_key(Verdict v) {
  switch (v) {
    case Verdict::Guarded:
      return "guarded";
    case Verdict::Bypass:
      return "bypass";
    case Verdict::Undecided:
      return "undecided";
    case Verdict::Unproven:
      return "unproven";
    case Verdict::Unreached:
      return "unreached";
  }
  return "";
}

enum class Result : std::uint8_t { Bypass, Undecided, Closed, Passes, NotTried, NoPath };

Result result_of(const Way& way) {
  if (way.around) return Result::Bypass;
  if (way.unknown_around) return Result::Undecided;
  if (!way.not_sent.empty()) return Result::NotTried;
  if (way.through || way.unknown_through || way.refused_through) return Result::Passes;
  if (way.refused_around) return Result::Closed;
  return Result::NoPath;
}

const char* result_key(Result r) {
  switch (r) {
    case Result::Bypass:
      return "bypass";
    case Result::Undecided:
      return "undecided";
    case Result::Closed:
      return "closed";
    case Result::Passes:
      return "passes";
    case Result::NotTried:
      return "notTried";
    case Result::NoPath:
      return "noPath";
  }
  return "";
}

// Shortest first: the fewest hops, then the plainest request.
std::vector<const Way*> bypasses(const GuardReport& r) {
  std::vector<const Way*> out;
  for (const auto& way : r.search.ways)
    if (way.around && !r.exempt(way)) out.push_back(&way);
  std::stable_sort(out.begin(), out.end(), [](const Way* a, const Way* b) {
    return a->around->path.hops.size() < b->around->path.hops.size();
  });
  return out;
}

std::string why(const WayFinding& finding) {
  if (!finding.path.bypassed.empty()) return join(finding.path.bypassed, "; ");
  return finding.path.reason.detail;
}

std::string confirm(const WayFinding& finding, const std::vector<std::string>& cluster) {
  if (!traceable(finding.flow))
    return "(the token does not travel as a bearer token: no flag of trace says so)";
  return trace_command(finding.flow, cluster);
}

std::string bypass_text(const GuardReport& r, const Way& way, const std::vector<std::string>& cluster,
                        const Paint& paint, bool all) {
  const WayFinding& found = *way.around;
  std::string out =
      fmt::format("  {}     {}\n", paint.bad("BYPASS"), paint.bold(printable(way_words(r.search, way, all))));
  out += fmt::format("             {}\n", printable(request_words(found.flow)));
  for (const auto& line : wrapped(hops_words(found.path), 84))
    out += fmt::format("             {}\n", printable(line));
  if (const auto reason = why(found); !reason.empty())
    for (const auto& line : wrapped("why: " + reason, 84))
      out += fmt::format("             {}\n", printable(line));
  return out + fmt::format("             confirm: {}\n", printable(confirm(found, cluster)));
}

// A client that gets around at several addresses is told once, with its shortest way.
std::string bypasses_text(const GuardReport& r, const std::vector<std::string>& cluster, const Paint& paint,
                          bool all) {
  const auto open = bypasses(r);
  std::string out;
  std::vector<std::size_t> told;
  std::size_t left = 0;
  for (const Way* way : open) {
    if (all) {
      out += bypass_text(r, *way, cluster, paint, all);
      continue;
    }
    if (std::find(told.begin(), told.end(), way->client) != told.end()) continue;
    if (told.size() == kShown) {
      ++left;
      continue;
    }
    told.push_back(way->client);
    out += bypass_text(r, *way, cluster, paint, all);
    std::vector<std::string> also;
    for (const Way* other : open)
      if (const auto& about = r.search.addresses[other->address].about;
          other != way && other->client == way->client && about != r.search.addresses[way->address].about &&
          std::find(also.begin(), also.end(), about) == also.end())
        also.push_back(about);
    if (!also.empty())
      for (const auto& line : wrapped("also open: " + join(also, ", "), 84))
        out += fmt::format("             {}\n", printable(line));
  }
  if (left > 0) out += fmt::format("  and {} more ways of other clients (-v shows all)\n", left);
  return out;
}

// Ways of one result with one cause are one line.
struct Lines {
  std::map<std::string, std::vector<const Way*>> by_cause;
};

std::string graph_words(const GuardReport& r) {
  std::vector<std::string> out;
  const auto& g = r.graph;
  if (g.asked && !g.entered)
    out.emplace_back("graph: no published gateway and no published Service leads to it from outside");
  if (g.asked && g.entered)
    out.push_back(
        g.dominates
            ? fmt::format(
                  "graph: from outside every way by Istio's gateways and published Services leads by {}",
                  points_words(r))
            : "graph: from outside it is not on every route" +
                  (g.around.empty() ? "" : "; the shortest around it: " + join(g.around, " -> ")));
  if (!g.always.empty()) out.push_back("every open way passes: " + join(g.always, ", "));
  std::string text;
  for (const auto& line : out)
    for (const auto& part : wrapped(line, 96)) text += "  " + printable(part) + "\n";
  return text;
}

std::string nodes_words(const GuardReport& r) {
  std::vector<std::string> open;
  for (const auto& way : r.search.ways)
    if (r.exempt(way) && way.around) {
      const auto& from = r.search.clients[way.client];
      const std::string words = fmt::format("{} ({})", from.from, from.about);
      if (std::find(open.begin(), open.end(), words) == open.end()) open.push_back(words);
    }
  if (open.empty()) return {};
  return fmt::format(
      "  node       processes in the network of {} get around it, as kubelet's probes must: no finding\n",
      printable(join(open, ", ")));
}

std::size_t count(const GuardReport& r, Result wanted) {
  return static_cast<std::size_t>(
      std::count_if(r.search.ways.begin(), r.search.ways.end(),
                    [&](const Way& way) { return !r.exempt(way) && result_of(way) == wanted; }));
}

std::string counts_words(const GuardReport& r) {
  std::vector<std::string> out;
  const auto add = [&](Result result, const char* what) {
    if (const auto n = count(r, result); n > 0) out.push_back(fmt::format("{} {}", n, what));
  };
  add(Result::Bypass, "open around it");
  add(Result::Undecided, "undecided");
  add(Result::Passes, "by it");
  add(Result::Closed, "closed by policy");
  add(Result::NotTried, "not tried");
  add(Result::NoPath, "that lead nowhere");
  return join(out, ", ");
}

std::string conclusion(const GuardReport& r) {
  const std::string by = points_words(r);
  switch (r.verdict) {
    case Verdict::Guarded:
      return fmt::format("Every request that reaches {} passes {}.", target_words(r.target), by);
    case Verdict::Bypass: {
      const auto n = bypasses(r).size();
      return fmt::format("{} {} open around {}.", n, n == 1 ? "way is" : "ways are", by);
    }
    case Verdict::Undecided:
      return fmt::format("Whether a request gets around {} depends on facts that the manifests do not tell.",
                         by);
    case Verdict::Unproven:
      return fmt::format("No request tried gets around {}; not all were tried.", by);
    case Verdict::Unreached:
      return fmt::format("No request reaches {} at all.", target_words(r.target));
  }
  return {};
}

std::string left_out_words(const GuardReport& r) {
  std::string out;
  for (const auto& text : r.search.left_out) {
    bool first = true;
    for (const auto& line : wrapped(text, 84)) {
      out += fmt::format("  {:<9}  {}\n", first ? "not tried" : "", printable(line));
      first = false;
    }
  }
  return out;
}

Lines closed(const GuardReport& r, const model::SourceFiles& files) {
  Lines out;
  for (const auto& way : r.search.ways)
    if (!r.exempt(way) && way.refused_around && !way.around && !way.unknown_around)
      out.by_cause[stopped_by(way.refused_around->path, files)].push_back(&way);
  return out;
}

Lines undecided(const GuardReport& r) {
  Lines out;
  for (const auto& way : r.search.ways)
    if (!r.exempt(way) && !way.around && way.unknown_around)
      out.by_cause[join(way.unknown_around->path.missing_facts, "; ")].push_back(&way);
  return out;
}

std::string text(const GuardReport& r, const std::vector<std::string>& cluster,
                 const model::SourceFiles& files, bool colour, bool all) {
  const Paint paint(colour);
  const std::string word = verdict_word(r.verdict);
  std::string out = fmt::format("{} by {}   {}\n", paint.bold(printable(target_words(r.target))),
                                printable(points_words(r)),
                                r.verdict == Verdict::Guarded  ? paint.good(word)
                                : r.verdict == Verdict::Bypass ? paint.bad(word)
                                                               : paint.bold(word));
  out += bypasses_text(r, cluster, paint, all);
  out += causes_text(r.search, "undecided", undecided(r).by_cause, paint, all);
  out += causes_text(r.search, "closed", closed(r, files).by_cause, paint, all);
  out += nodes_words(r);
  out += left_out_words(r);
  out += graph_words(r);
  for (const auto& line :
       wrapped(conclusion(r) + " " + effort_words(r.search) + ": " + counts_words(r) + ".", 98))
    out += printable(line) + "\n";
  return out;
}

std::string json(const GuardReport& r, const std::vector<std::string>& cluster,
                 const model::SourceFiles& files) {
  Json points = Json::array();
  for (const auto& p : r.points) {
    Json one{{"name", p.title}};
    if (const auto place = place_of(files, p.pos); !place.empty()) one["place"] = place;
    points.push_back(std::move(one));
  }
  Json ways = Json::array();
  for (const auto& way : r.search.ways) {
    Json one{{"client", client_json(r.search.clients[way.client])},
             {"address", address_json(r.search.addresses[way.address])},
             {"result", result_key(result_of(way))},
             {"exempt", r.exempt(way)},
             {"requests", way.tried},
             {"complete", way.complete}};
    const auto put = [&](const char* key, const std::optional<WayFinding>& finding) {
      if (finding) one[key] = finding_json(*finding, cluster, files);
    };
    put("bypass", way.around);
    put("undecided", way.unknown_around);
    put("passes", way.through);
    put("closed", way.refused_around);
    ways.push_back(std::move(one));
  }
  Json out{{"apiVersion", kApiVersion},
           {"guard", r.target.title},
           {"by", std::move(points)},
           {"verdict", verdict_key(r.verdict)},
           {"complete", r.search.complete()},
           {"notTried", r.search.left_out},
           {"graph",
            {{"asked", r.graph.asked},
             {"entered", r.graph.entered},
             {"dominates", r.graph.dominates},
             {"around", r.graph.around},
             {"always", r.graph.always}}},
           {"clients", r.search.clients.size()},
           {"addresses", r.search.addresses.size()},
           {"requests", r.search.tried},
           {"ways", std::move(ways)}};
  if (!r.target.scope.empty()) out["scope"] = r.target.scope;
  return out.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

std::string code(const std::string& value) {
  std::string out;
  for (const char c : printable(value)) out += c == '`' ? '\'' : c == '|' ? '/' : c;
  return "`" + out + "`";
}

std::string markdown(const GuardReport& r, const std::vector<std::string>& cluster,
                     const model::SourceFiles& files, bool all) {
  std::string out = fmt::format("### waypath guard {}\n\n{} **{}**: {}\n", code(target_words(r.target)),
                                r.verdict == Verdict::Guarded  ? "🟢"
                                : r.verdict == Verdict::Bypass ? "🔴"
                                                               : "🟡",
                                verdict_word(r.verdict), printable(conclusion(r)));
  const auto open = bypasses(r);
  if (!open.empty()) out += "\n| client | address | request | confirm |\n|---|---|---|---|\n";
  const std::size_t shown = all ? open.size() : std::min(open.size(), kShown * 4);
  for (std::size_t i = 0; i < shown; ++i)
    out += fmt::format("| {} | {} | {} | {} |\n", code(client_words(r.search.clients[open[i]->client], all)),
                       code(r.search.addresses[open[i]->address].about),
                       code(request_words(open[i]->around->flow)), code(confirm(*open[i]->around, cluster)));
  if (shown < open.size())
    out += fmt::format("\n{} more: `waypath guard` lists them with -v.\n", open.size() - shown);
  const auto closed_ways = closed(r, files);
  if (!closed_ways.by_cause.empty()) out += "\n| closed by | ways |\n|---|---|\n";
  for (const auto& [cause, ways] : closed_ways.by_cause)
    out += fmt::format("| {} | {} |\n", code(cause), ways.size());
  for (const auto& [fact, ways] : undecided(r).by_cause)
    out += fmt::format("\nUndecided ({} ways): {}\n", ways.size(), code(fact));
  for (const auto& line : r.search.left_out) out += fmt::format("\nNot tried: {}\n", code(line));
  return out + fmt::format("\n{}: {}.\n", printable(effort_words(r.search)), printable(counts_words(r)));
}

}  // namespace

std::string guard_text(const GuardReport& report, const std::vector<std::string>& cluster,
                       const model::SourceFiles& files, std::string_view format, bool colour, bool all) {
  if (format == "json") return json(report, cluster, files);
  if (format == "markdown") return markdown(report, cluster, files, all);
  return text(report, cluster, files, colour, all);
}

}  // namespace waypath::tools
