#include "tools/render/reach_changes.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>

#include "tools/render/json.h"
#include "tools/render/reach_fields.h"
#include "tools/render/words.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::ReachChange;
using scenarios::ReachChanges;

// Both or neither: part of the ports, or what HTTP rules may narrow of them.
std::string_view kind_of(const ReachChange& change) {
  const bool opens = !change.opens().empty(), closes = !change.closes().empty();
  return opens == closes ? "changes" : opens ? "opens" : "closes";
}

ReachFields fields(const ReachChange::Ports& ports) {
  return {ports.sure.str(), ports.sure == ports.possible ? "" : ports.possible.str(),
          ports.conditional.empty() ? "" : ports.conditional.str()};
}

std::string said(const ReachChange::Ports& ports) {
  const ReachFields f = fields(ports);
  return spoken(f.sure) + (f.possible.empty() ? "" : " (up to " + spoken(f.possible) + ")") +
         (f.conditional.empty() ? "" : " *");
}

std::string summary(const ReachChanges& all, std::uint64_t lines) {
  if (lines == 0) return "no connection between pods changes\n";
  return fmt::format("{}; {} of pods change: a port opens between {}, closes between {}\n",
                     counted(lines, "change"), counted(all.pod_pairs, "pair"), count_text(all.opened),
                     count_text(all.closed));
}

bool narrowed(const ReachChange& change) {
  return !change.before.conditional.empty() || !change.after.conditional.empty();
}
constexpr std::string_view kNarrowed = "\n* HTTP rules at the sidecar of the destination may narrow it\n";

void text(const ReachChangeSource& source, const ReachSink& write) {
  std::string from;
  std::uint64_t lines = 0;
  bool note = false, more = true;
  const ReachChanges all = source([&](const ReachChange& change) {
    std::string out;
    if (change.from != from) out = fmt::format("{}{}\n", lines == 0 ? "" : "\n", spoken_end(change.from));
    from = change.from;
    ++lines;
    note = note || narrowed(change);
    out += fmt::format("  {:<7}  {}: {} -> {}\n", kind_of(change), spoken_end(change.to), said(change.before),
                       said(change.after));
    return more = write(out);
  });
  if (more) write(fmt::format("{}{}{}", note ? kNarrowed : "", lines == 0 ? "" : "\n", summary(all, lines)));
}

void json(const ReachChangeSource& source, const std::string& layer, const ReachSink& write) {
  const auto dump = [](const Json& one) {
    return one.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
  };
  const auto side = [](const ReachChange::Ports& ports) {
    const ReachFields f = fields(ports);
    Json out{{"connections", f.sure}};
    if (!f.possible.empty()) out["possible"] = f.possible;
    if (!f.conditional.empty()) out["conditional"] = f.conditional;
    return out;
  };
  bool more = write(fmt::format("{{\n  \"apiVersion\": {},\n  \"layer\": {},\n  \"changes\": [",
                                dump(Json(kApiVersion)), dump(Json(layer))));
  const char* before = "\n    ";
  const ReachChanges all = source([&](const ReachChange& change) {
    more = more && write(before + dump(Json{{"src", change.from},
                                            {"dst", change.to},
                                            {"change", kind_of(change)},
                                            {"opens", change.opens().str()},
                                            {"closes", change.closes().str()},
                                            {"before", side(change.before)},
                                            {"after", side(change.after)}}));
    before = ",\n    ";
    return more;
  });
  if (more)
    write(
        fmt::format("\n  ],\n  \"podPairs\": {},\n  \"podPairsOpened\": {},\n  \"podPairsClosed\": {}\n}}\n",
                    all.pod_pairs, all.opened, all.closed));
}

void csv(const ReachChangeSource& source, const ReachSink& write) {
  if (!write("src,dst,change,opens,closes,before,before possible,before conditional,after,after possible,"
             "after conditional\r\n"))
    return;
  source([&](const ReachChange& change) {
    const ReachFields was = fields(change.before), is = fields(change.after);
    std::string out;
    for (const std::string& field :
         {change.from, change.to, std::string(kind_of(change)), change.opens().str(), change.closes().str(),
          was.sure, was.possible, was.conditional, is.sure, is.possible})
      out += csv_field(field) + ",";
    return write(out + csv_field(is.conditional) + "\r\n");
  });
}

void markdown(const ReachChangeSource& source, const ReachSink& write) {
  std::uint64_t lines = 0;
  bool note = false, more = true;
  const ReachChanges all = source([&](const ReachChange& change) {
    note = note || narrowed(change);
    const std::string head =
        lines++ == 0 ? "| change | from | to | before | after |\n|---|---|---|---|---|\n" : "";
    return more = write(head + fmt::format("| {} | {} | {} | {} | {} |\n", kind_of(change),
                                           markdown_code(change.from), markdown_code(change.to),
                                           markdown_code(said(change.before)),
                                           markdown_code(said(change.after))));
  });
  if (more) write(fmt::format("{}{}{}", note ? kNarrowed : "", lines == 0 ? "" : "\n", summary(all, lines)));
}

}  // namespace

void write_reach_changes(const ReachChangeSource& source, const std::string& layer, std::string_view format,
                         const ReachSink& write) {
  if (format == "json") return json(source, layer, write);
  if (format == "csv") return csv(source, write);
  if (format == "markdown") return markdown(source, write);
  text(source, write);
}

}  // namespace waypath::tools
