#include "tools/render/ways.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:=,@%+").find(c) != std::string_view::npos;
  });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void add_claims(const std::map<std::string, sim::Claim, std::less<>>& claims, const std::string& prefix,
                std::vector<std::string>& out) {
  for (const auto& [name, claim] : claims) {
    if (claim.kind == sim::Claim::Kind::Object)
      add_claims(claim.object, prefix + name + ".", out);
    else if (claim.kind == sim::Claim::Kind::List)
      for (const auto& one : claim.list) out.push_back(fmt::format("{}{}={}", prefix, name, one));
    else
      out.push_back(fmt::format("{}{}={}", prefix, name, claim.text));
  }
}

std::vector<std::string> claims_of(const sim::Token& token) {
  std::vector<std::string> out{"iss=" + token.issuer};
  if (!token.subject.empty()) out.push_back("sub=" + token.subject);
  for (const auto& audience : token.audiences) out.push_back("aud=" + audience);
  add_claims(token.claims, "", out);
  return out;
}

std::string with_commas(std::size_t n) {
  std::string out = std::to_string(n);
  for (std::size_t at = out.size(); at > 3;) out.insert(at -= 3, ",");
  return out;
}

std::string counted(std::size_t n, const char* one, const char* many) {
  return fmt::format("{} {}", with_commas(n), n == 1 ? one : many);
}

}  // namespace

bool traceable(const sim::Flow& flow) {
  return std::all_of(flow.tokens.begin(), flow.tokens.end(), [](const sim::Token& t) {
    std::string name = t.name;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return t.where == sim::Token::Where::Header && name == "authorization" && t.prefix == "Bearer ";
  });
}

std::vector<std::string> trace_words(const sim::Flow& flow, const std::vector<std::string>& cluster) {
  std::vector<std::string> out{"trace", flow.from, flow.to};
  const auto flag = [&](const char* name, const std::string& value) {
    out.emplace_back(name);
    out.push_back(value);
  };
  if (flow.method != "GET") flag("--method", flow.method);
  for (const auto& [name, value] : flow.headers) flag("--header", name + ": " + value);
  for (const auto& token : flow.tokens)
    for (const auto& claim : claims_of(token)) flag("--claim", claim);
  if (flow.session == sim::Session::Valid) flag("--session", "valid");
  if (!flow.sni.empty()) flag("--sni", flow.sni);
  if (flow.source_ip) flag("--source-ip", flow.source_ip->to_string());
  if (!flow.connect_to.empty()) flag("--connect-to", flow.connect_to);
  out.insert(out.end(), cluster.begin(), cluster.end());
  return out;
}

std::string trace_command(const sim::Flow& flow, const std::vector<std::string>& cluster) {
  std::string out = "waypath";
  for (const auto& word : trace_words(flow, cluster)) out += " " + quoted(word);
  return out;
}

std::string client_words(const scenarios::ClientClass& client, bool all_members) {
  if (client.kind == scenarios::ClientClass::Kind::Outside)
    return fmt::format("internet ({}: {})", client.source_ip ? client.source_ip->to_string() : "",
                       join(client.members, ", "));
  std::string out = fmt::format("{} ({})", client.from, client.about);
  if (client.members.size() <= 1) return out;
  if (!all_members)
    return out + fmt::format(" and {}",
                             counted(client.members.size() - 1, "workload like it", "workloads like it"));
  return out + ", alike: " + join(client.members, ", ");
}

std::string request_words(const sim::Flow& flow) {
  std::vector<std::string> parts;
  const auto mark = flow.to.find("://");
  const auto slash = mark == std::string::npos ? mark : flow.to.find('/', mark + 3);
  const std::string scheme = flow.to.substr(0, mark);
  if (scheme == "http" || scheme == "https")
    parts.push_back(flow.method + " " + (slash == std::string::npos ? "/" : flow.to.substr(slash)));
  else
    parts.push_back(scheme);
  for (const auto& [name, value] : flow.headers) parts.push_back(fmt::format("header {}: {}", name, value));
  for (const auto& token : flow.tokens)
    parts.push_back(fmt::format("a token ({})", join(claims_of(token), ", ")));
  if (flow.session == sim::Session::Valid) parts.emplace_back("a valid login session");
  if (!flow.sni.empty()) parts.push_back("server name " + flow.sni);
  return join(parts, ", ");
}

std::string hops_words(const sim::PathVerdict& path) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < path.hops.size(); ++i) {
    std::string title = hop_title(path.hops[i]);
    if (i > 0 && i - 1 < path.legs.size() && path.legs[i - 1].transport == sim::Transport::Hbone)
      title = "HBONE " + title;
    out.push_back(std::move(title));
  }
  return join(out, " -> ");
}

std::string stopped_by(const sim::PathVerdict& path, const model::SourceFiles& files) {
  const sim::ObjectAt* by = path.reason.by ? &*path.reason.by : nullptr;
  if (by == nullptr && !path.deciders.empty()) by = &path.deciders.front();
  if (by == nullptr || by->key.name.empty()) return std::string(path.reason.code.text);
  const auto place = place_of(files, by->pos);
  return object_with_rule(*by) + (place.empty() ? "" : "  " + place);
}

Json client_json(const scenarios::ClientClass& client) {
  Json j{{"from", client.from}};
  if (client.source_ip) j["sourceIp"] = client.source_ip->to_string();
  j["about"] = client.about;
  if (!client.identity.empty()) j["identity"] = client.identity;
  j["members"] = client.members;
  return j;
}

Json address_json(const scenarios::TargetAddress& address) {
  Json j{{"url", address.url}, {"about", address.about}};
  if (!address.connect_to.empty()) j["connectTo"] = address.connect_to;
  return j;
}

Json finding_json(const scenarios::WayFinding& finding, const std::vector<std::string>& cluster,
                  const model::SourceFiles& files) {
  const auto& flow = finding.flow;
  Json j{{"from", flow.from}, {"to", flow.to}, {"method", flow.method}};
  if (!flow.headers.empty()) {
    Json headers = Json::array();
    for (const auto& [name, value] : flow.headers) headers.push_back(name + ": " + value);
    j["headers"] = std::move(headers);
  }
  if (!flow.tokens.empty()) j["claims"] = claims_of(flow.tokens.front());
  if (flow.session == sim::Session::Valid) j["session"] = "valid";
  if (!flow.sni.empty()) j["sni"] = flow.sni;
  j["outcome"] = to_string(finding.path.outcome);
  j["symptom"] = finding.path.symptom;
  j["reason"] = finding.path.reason.code.text;
  if (finding.path.outcome != sim::Outcome::Allow) j["by"] = stopped_by(finding.path, files);
  Json hops = Json::array();
  for (const auto& hop : finding.path.hops) hops.push_back(hop_title(hop));
  j["hops"] = std::move(hops);
  if (!finding.path.bypassed.empty()) j["bypassed"] = finding.path.bypassed;
  if (!finding.path.missing_facts.empty()) j["missingFacts"] = finding.path.missing_facts;
  if (traceable(flow)) j["command"] = trace_command(flow, cluster);
  return j;
}

std::string way_words(const scenarios::WaySearch& search, const scenarios::Way& way, bool all_members) {
  return fmt::format("{} -> {}", client_words(search.clients[way.client], all_members),
                     search.addresses[way.address].about);
}

std::string causes_text(const scenarios::WaySearch& search, const std::string& label,
                        const std::map<std::string, std::vector<const scenarios::Way*>>& by_cause,
                        const Paint& paint, bool all) {
  std::vector<std::pair<std::string, const std::vector<const scenarios::Way*>*>> order;
  for (const auto& [cause, ways] : by_cause) order.emplace_back(cause, &ways);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second->size() > b.second->size(); });
  constexpr std::size_t kShown = 5;
  std::string out;
  const std::size_t most = all ? order.size() : std::min(order.size(), kShown);
  for (std::size_t i = 0; i < most; ++i) {
    const auto& ways = *order[i].second;
    out += fmt::format("  {:<9}  {} {}: {}\n", label, ways.size(), ways.size() == 1 ? "way" : "ways",
                       printable(order[i].first));
    const std::size_t shown = all ? ways.size() : 1;
    for (std::size_t w = 0; w < shown; ++w)
      out += paint.dim(fmt::format("             {}{}", all ? "" : "for example ",
                                   printable(way_words(search, *ways[w], all)))) +
             "\n";
  }
  if (most < order.size())
    out += fmt::format("  {:<9}  {} causes more (-v shows them)\n", label, order.size() - most);
  return out;
}

std::string target_words(const scenarios::AskTarget& target) {
  return target.scope.empty() ? target.title : target.title + " " + target.scope;
}

std::string effort_words(const scenarios::WaySearch& search) {
  return fmt::format("{} x {} ({} that can be dialled), {} simulated",
                     counted(search.clients.size(), "class of clients", "classes of clients"),
                     counted(search.addresses.size(), "address", "addresses"),
                     counted(search.ways.size(), "way", "ways"),
                     counted(search.tried, "request", "requests"));
}

}  // namespace waypath::tools
