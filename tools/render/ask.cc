#include "tools/render/ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/ways.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;
using scenarios::AskReport;
using scenarios::RequestAttribute;
using scenarios::RequestBox;
using scenarios::Way;
using Verdict = AskReport::Verdict;
using Kind = RequestAttribute::Kind;

constexpr std::size_t kShownBoxes = 3;

std::string attribute_name(const RequestAttribute& a) {
  switch (a.kind) {
    case Kind::Method:
      return "method";
    case Kind::Path:
      return "path";
    case Kind::Query:
      return "query " + a.key;
    case Kind::Host:
      return "host";
    case Kind::Header:
      return "header " + a.key;
    case Kind::Sni:
      return "server name";
    case Kind::Token:
      return "token";
    case Kind::Session:
      return "login session";
  }
  return {};
}

/// What is kept of an attribute, or left out of it, in the words of the manifests.
struct Words {
  struct One {
    std::string text, example;  // "" where nothing is sent
  };
  std::vector<One> all;  // each once
  bool others = false;   // with all that no condition fits
};

std::string absent_word(Kind kind) { return kind == Kind::Host || kind == Kind::Sni ? "its own" : "none"; }

// The conditions that a value fits, for each kind of text that it stands for. A token or a session is told as
// it is.
std::vector<RequestAttribute::Fit> fits_of(const RequestAttribute& a, const RequestAttribute::Value& v) {
  if (a.kind == Kind::Session) return {{{v.text}, v.text}};
  if (a.kind != Kind::Token) return v.fits;
  const std::string known = v.fits.empty() ? " (any valid one of that issuer)"
                                           : fmt::format(" (fits {})", join(v.fits.front().conditions, ", "));
  return {{{v.text + known}, v.text}};
}

// `kept` of the values, or those that are not. A condition stands alone where all that fits it is on this
// side, and says it for what fits others, too; what is on both sides is told by an example.
Words words_of(const RequestAttribute& a, const std::vector<std::size_t>& values, bool kept) {
  using Fits = std::vector<std::string>;
  struct Sides {
    bool here = false, there = false;
    std::string example;
  };
  Words out;
  std::vector<Fits> order;
  std::map<Fits, Sides> texts;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const auto& value = a.values[i];
    const bool here = std::binary_search(values.begin(), values.end(), i) == kept;
    if (value.absent && here) out.all.push_back({absent_word(a.kind), ""});
    if (value.absent) continue;
    for (const auto& [fits, text] : fits_of(a, value)) {
      const auto [at, fresh] = texts.try_emplace(fits);
      if (fresh) order.push_back(fits);
      auto& sides = at->second;
      if (here && !sides.here) sides.example = text;
      (here ? sides.here : sides.there) = true;
    }
  }
  std::map<std::string, std::size_t> whole;  // conditions of this side alone: how many kinds of text fit each
  for (const auto& fits : order)
    for (const auto& one : fits)
      if (std::none_of(order.begin(), order.end(), [&](const Fits& other) {
            return texts[other].there && std::find(other.begin(), other.end(), one) != other.end();
          }))
        ++whole[one];
  // Whether one stands for all that fits it and more.
  const auto within = [](const Fits& few, const Fits& many) {
    return std::all_of(few.begin(), few.end(), [&](const auto& one) {
      return std::find(many.begin(), many.end(), one) != many.end();
    });
  };
  const auto whole_set = [&](const Fits& fits) {
    return !fits.empty() && std::none_of(order.begin(), order.end(), [&](const Fits& other) {
      return texts[other].there && within(fits, other);
    });
  };
  const auto has = [](const Fits& fits, const std::string& one) {
    return std::find(fits.begin(), fits.end(), one) != fits.end();
  };
  // What is to be taken from all that fits these to leave this side: conditions of the other side alone.
  // Empty: nothing, or no such conditions are enough.
  const auto exceptions = [&](const Fits& fits) {
    Fits excepted;
    for (const auto& other : order) {
      if (!texts[other].there || !within(fits, other)) continue;
      const auto one = std::find_if(other.begin(), other.end(), [&](const auto& condition) {
        return !has(fits, condition) && std::none_of(order.begin(), order.end(), [&](const Fits& on) {
          return texts[on].here && has(on, condition);
        });
      });
      if (one == other.end()) return Fits();
      if (!has(excepted, *one)) excepted.push_back(*one);
    }
    return excepted;
  };
  // Without those that another one implies: of two that imply each other the first stays.
  const auto implies = [&](const std::string& one, const std::string& other) {
    return std::all_of(order.begin(), order.end(),
                       [&](const Fits& fits) { return !has(fits, one) || has(fits, other); });
  };
  const auto told = [&](const Fits& fits) {
    Fits needed;
    for (std::size_t i = 0; i < fits.size(); ++i) {
      bool implied = false;
      for (std::size_t j = 0; j < fits.size(); ++j)
        implied = implied || (i != j && implies(fits[j], fits[i]) && (j < i || !implies(fits[i], fits[j])));
      if (!implied) needed.push_back(fits[i]);
    }
    return join(needed, " and ");
  };
  std::map<Fits, Fits> but_not;
  for (const auto& fits : order)
    if (texts[fits].here && !fits.empty())
      if (auto excepted = exceptions(fits); !excepted.empty()) but_not.emplace(fits, std::move(excepted));
  const auto covered = [&](const Fits& fits) {
    return std::any_of(but_not.begin(), but_not.end(), [&](const auto& wider) {
      return wider.first.size() < fits.size() && within(wider.first, fits);
    });
  };
  std::set<std::string> said;
  const auto say = [&](const std::string& text, const std::string& example) {
    if (said.insert(text).second) out.all.push_back({text, example});
  };
  for (const auto& fits : order) {
    const Sides& sides = texts[fits];
    if (!sides.here) continue;
    if (fits.empty()) {
      out.others = !sides.there;
      say(sides.there ? fmt::format("any other (as {})", sides.example) : "any other", sides.example);
      continue;
    }
    if (covered(fits)) continue;
    if (const auto at = but_not.find(fits); at != but_not.end()) {
      const bool several = at->second.size() > 1;
      say(fmt::format("{} but {} {}", told(fits), several ? "neither" : "not", join(at->second, " nor ")),
          sides.example);
      continue;
    }
    const std::string* widest = nullptr;
    for (const auto& one : fits)
      if (whole.contains(one) && (widest == nullptr || whole[one] > whole[*widest])) widest = &one;
    if (widest == nullptr && std::any_of(order.begin(), order.end(), [&](const Fits& other) {
          return other.size() < fits.size() && within(other, fits) && whole_set(other);
        }))
      continue;
    if (widest != nullptr)
      say(*widest, sides.example);
    else if (!whole_set(fits))
      say(fmt::format("{} (as {})", told(fits), sides.example), sides.example);
    else
      say(told(fits), sides.example);
  }
  return out;
}

std::string joined(const Words& words) {
  std::vector<std::string> texts;
  for (const auto& one : words.all) texts.push_back(one.text);
  return join(texts, " or ");
}

std::string attribute_words(const RequestAttribute& a, const std::vector<std::size_t>& values) {
  const Words in = words_of(a, values, true);
  // "Any other" than what is left out.
  if (!in.others) return fmt::format("{} {}", attribute_name(a), joined(in));
  const std::string out = joined(words_of(a, values, false));
  return out == "none" ? attribute_name(a) + " of any value"
                       : fmt::format("{} other than {}", attribute_name(a), out);
}

std::string box_words(const scenarios::RequestClasses& classes, const RequestBox& box) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < box.values.size(); ++i)
    if (box.values[i].size() < classes.attributes[i].values.size())
      parts.push_back(attribute_words(classes.attributes[i], box.values[i]));
  return parts.empty() ? "any request" : join(parts, ", ");
}

std::string avoiding_words(const AskReport& r) {
  if (r.avoiding.empty()) return {};
  std::vector<std::string> names;
  for (const auto& p : r.avoiding) names.push_back(p.title);
  return " without passing " + join(names, " or ");
}

std::string conclusion(const AskReport& r) {
  const std::string what = target_words(r.target) + avoiding_words(r);
  std::vector<std::size_t> clients;
  for (const auto& row : r.rows) clients.push_back(r.search.ways[row.way].client);
  clients.erase(std::unique(clients.begin(), clients.end()), clients.end());
  switch (r.verdict) {
    case Verdict::Some:
      return fmt::format("{} of {} classes of clients reach {}.", clients.size(), r.search.clients.size(),
                         what);
    case Verdict::None:
      return fmt::format("No request reaches {}, in this model. Nothing was left out.", what);
    case Verdict::Undecided:
      return fmt::format("Whether a request reaches {} depends on facts that the manifests do not tell.",
                         what);
    case Verdict::Unproven:
      return fmt::format("No request tried reaches {}; not all were tried.", what);
  }
  return {};
}

// Ways of one cause together: cause -> ways.
std::map<std::string, std::vector<const Way*>> closed(const AskReport& r, const model::SourceFiles& files) {
  std::map<std::string, std::vector<const Way*>> out;
  for (const auto& way : r.search.ways) {
    if (way.around || way.unknown_around) continue;
    if (way.refused_around)
      out[stopped_by(way.refused_around->path, files)].push_back(&way);
    else if (way.refused_through)
      out[stopped_by(way.refused_through->path, files)].push_back(&way);
  }
  return out;
}

std::map<std::string, std::vector<const Way*>> undecided(const AskReport& r) {
  std::map<std::string, std::vector<const Way*>> out;
  for (const auto& way : r.search.ways)
    if (!way.around && way.unknown_around)
      out[join(way.unknown_around->path.missing_facts, "; ")].push_back(&way);
  return out;
}

std::string lines(const std::string& text, std::size_t indent) {
  std::string out;
  for (const auto& line : wrapped(text, 98 - indent))
    out += std::string(indent, ' ') + printable(line) + "\n";
  return out;
}

// A client's rows; addresses with the same conditions stand together.
std::string client_text(const AskReport& r, std::size_t client,
                        const std::vector<const AskReport::Row*>& rows,
                        const std::vector<std::string>& cluster, const Paint& paint, bool all) {
  const auto& who = r.search.clients[client];
  std::string out = fmt::format("  {}{}\n", paint.bold(printable(client_words(who, all))),
                                who.identity.empty() ? "" : "  as " + printable(who.identity));
  std::vector<std::pair<std::string, std::vector<const AskReport::Row*>>> alike;
  for (const auto* row : rows) {
    const Way& way = r.search.ways[row->way];
    std::vector<std::string> parts;
    for (const auto& box : row->boxes) parts.push_back(box_words(way.classes, box));
    std::string words;
    const std::size_t shown = all ? parts.size() : std::min(parts.size(), kShownBoxes);
    for (std::size_t i = 0; i < shown; ++i) words += (i == 0 ? "" : "\n") + parts[i];
    if (shown < parts.size()) words += fmt::format("\nand {} more (-v shows them)", parts.size() - shown);
    const auto at = std::find_if(alike.begin(), alike.end(), [&](const auto& a) { return a.first == words; });
    if (at == alike.end())
      alike.push_back({words, {row}});
    else
      at->second.push_back(row);
  }
  for (const auto& [words, group] : alike) {
    std::vector<std::string> names;
    for (const auto* row : group) {
      const auto& about = r.search.addresses[r.search.ways[row->way].address].about;
      if (std::find(names.begin(), names.end(), about) == names.end()) names.push_back(about);
    }
    out += lines(join(names, ", "), 6);
    std::size_t at = 0;
    for (bool first = true; at <= words.size(); first = false) {
      const auto end = std::min(words.find('\n', at), words.size());
      out += lines((first ? "with: " : "or:   ") + words.substr(at, end - at), 10);
      at = end + 1;
    }
    const auto& found = *r.search.ways[group.front()->way].around;
    out += fmt::format(
        "          confirm: {}\n",
        printable(traceable(found.flow)
                      ? trace_command(found.flow, cluster)
                      : "(the token does not travel as a bearer token: no flag of trace says so)"));
  }
  return out;
}

std::string text(const AskReport& r, const std::vector<std::string>& cluster, const model::SourceFiles& files,
                 bool colour, bool all) {
  const Paint paint(colour);
  std::string out = fmt::format("{}{}   {}\n", paint.bold(printable(target_words(r.target))),
                                printable(avoiding_words(r)), paint.bold(upper(ask_verdict(r))));
  for (std::size_t i = 0; i < r.rows.size();) {
    const std::size_t client = r.search.ways[r.rows[i].way].client;
    std::vector<const AskReport::Row*> rows;
    for (; i < r.rows.size() && r.search.ways[r.rows[i].way].client == client; ++i)
      rows.push_back(&r.rows[i]);
    out += client_text(r, client, rows, cluster, paint, all);
  }
  out += causes_text(r.search, "undecided", undecided(r), paint, all);
  out += causes_text(r.search, "closed", closed(r, files), paint, all);
  for (const auto& left : r.search.left_out) out += lines("not tried: " + left, 2);
  return out + lines(conclusion(r) + " " + effort_words(r.search) + ".", 0);
}

Json box_json(const scenarios::RequestClasses& classes, const RequestBox& box) {
  Json out = Json::object();
  for (std::size_t i = 0; i < box.values.size(); ++i) {
    const auto& attribute = classes.attributes[i];
    if (box.values[i].size() == attribute.values.size()) continue;
    Json values = Json::array();
    for (const auto& word : words_of(attribute, box.values[i], true).all) {
      Json one{{"class", word.text}};
      if (!word.example.empty()) one["example"] = word.example;
      values.push_back(std::move(one));
    }
    out[attribute_name(attribute)] = std::move(values);
  }
  return out;
}

std::string json(const AskReport& r, const std::vector<std::string>& cluster,
                 const model::SourceFiles& files) {
  Json avoiding = Json::array();
  for (const auto& p : r.avoiding) avoiding.push_back(p.title);
  Json reaches = Json::array(), open_questions = Json::array(), refused = Json::array();
  for (const auto& row : r.rows) {
    const Way& way = r.search.ways[row.way];
    Json boxes = Json::array();
    for (const auto& box : row.boxes) boxes.push_back(box_json(way.classes, box));
    reaches.push_back({{"client", client_json(r.search.clients[way.client])},
                       {"address", address_json(r.search.addresses[way.address])},
                       {"requests", std::move(boxes)},
                       {"complete", way.complete},
                       {"witness", finding_json(*way.around, cluster, files)}});
  }
  for (const auto& [fact, ways] : undecided(r))
    for (const auto* way : ways)
      open_questions.push_back({{"client", client_json(r.search.clients[way->client])},
                                {"address", address_json(r.search.addresses[way->address])},
                                {"missing", fact},
                                {"witness", finding_json(*way->unknown_around, cluster, files)}});
  for (const auto& [cause, ways] : closed(r, files))
    for (const auto* way : ways)
      refused.push_back({{"client", client_json(r.search.clients[way->client])},
                         {"address", address_json(r.search.addresses[way->address])},
                         {"by", cause}});
  Json out{{"apiVersion", kApiVersion},
           {"ask", r.target.title},
           {"avoiding", std::move(avoiding)},
           {"verdict", ask_verdict(r)},
           {"complete", r.search.complete()},
           {"notTried", r.search.left_out},
           {"clients", r.search.clients.size()},
           {"addresses", r.search.addresses.size()},
           {"requests", r.search.tried},
           {"reaches", std::move(reaches)},
           {"undecided", std::move(open_questions)},
           {"closed", std::move(refused)}};
  if (!r.target.scope.empty()) out["scope"] = r.target.scope;
  return out.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

std::string code(const std::string& value) {
  std::string out;
  for (const char c : printable(value)) out += c == '`' ? '\'' : c == '|' ? '/' : c;
  return "`" + out + "`";
}

std::string markdown(const AskReport& r, const std::vector<std::string>& cluster,
                     const model::SourceFiles& files) {
  std::string out =
      fmt::format("### waypath ask {}\n\n**{}**: {} {}.\n", code(target_words(r.target) + avoiding_words(r)),
                  upper(ask_verdict(r)), printable(conclusion(r)), printable(effort_words(r.search)));
  if (!r.rows.empty()) out += "\n| client | address | with | confirm |\n|---|---|---|---|\n";
  for (const auto& row : r.rows) {
    const Way& way = r.search.ways[row.way];
    std::vector<std::string> boxes;
    for (std::size_t i = 0; i < row.boxes.size() && i < kShownBoxes; ++i)
      boxes.push_back(code(box_words(way.classes, row.boxes[i])));
    if (row.boxes.size() > kShownBoxes)
      boxes.push_back(fmt::format("{} more", row.boxes.size() - kShownBoxes));
    out += fmt::format("| {} | {} | {} | {} |\n", code(client_words(r.search.clients[way.client], false)),
                       code(r.search.addresses[way.address].about), join(boxes, " or "),
                       traceable(way.around->flow) ? code(trace_command(way.around->flow, cluster)) : "");
  }
  for (const auto& [fact, ways] : undecided(r))
    out += fmt::format("\nUndecided ({} ways): {}\n", ways.size(), code(fact));
  const auto refused = closed(r, files);
  if (!refused.empty()) out += "\n| closed by | ways |\n|---|---|\n";
  for (const auto& [cause, ways] : refused) out += fmt::format("| {} | {} |\n", code(cause), ways.size());
  for (const auto& left : r.search.left_out) out += fmt::format("\nNot tried: {}\n", code(left));
  return out;
}

}  // namespace

std::string_view ask_verdict(const AskReport& report) {
  switch (report.verdict) {
    case Verdict::Some:
      return "some";
    case Verdict::None:
      return "none";
    case Verdict::Undecided:
      return "undecided";
    case Verdict::Unproven:
      return "unproven";
  }
  return "";
}

std::string ask_text(const AskReport& report, const std::vector<std::string>& cluster,
                     const model::SourceFiles& files, std::string_view format, bool colour, bool all) {
  if (format == "json") return json(report, cluster, files);
  if (format == "markdown") return markdown(report, cluster, files);
  return text(report, cluster, files, colour, all);
}

}  // namespace waypath::tools
