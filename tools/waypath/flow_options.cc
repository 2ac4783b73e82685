// From flags to a flow.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "sim/jwt.h"
#include "tools/waypath/app.h"

namespace waypath::tools {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\t' || text.back() == '\n' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// "a.b=c" sets claim b of the object a; a claim given twice is a list.
void set_claim(sim::Token& token, const std::string& key, const std::string& value) {
  if (key == "iss") {
    token.issuer = value;
    return;
  }
  if (key == "sub") {
    token.subject = value;
    return;
  }
  if (key == "aud") {
    token.audiences.push_back(value);
    return;
  }
  auto* level = &token.claims;
  std::string_view rest = key;
  // A claim's own name may hold dots when it is a URL ("https://x.example/role"): those are not split.
  const bool nested = key.find("://") == std::string::npos;
  for (std::size_t dot = rest.find('.'); nested && dot != std::string_view::npos; dot = rest.find('.')) {
    auto& object = (*level)[std::string(rest.substr(0, dot))];
    object.kind = sim::Claim::Kind::Object;
    level = &object.object;
    rest.remove_prefix(dot + 1);
  }
  auto [it, fresh] = level->try_emplace(std::string(rest));
  auto& claim = it->second;
  if (fresh) {
    claim.text = value;
    return;
  }
  if (claim.kind == sim::Claim::Kind::String) claim.list = {claim.text};
  claim.kind = sim::Claim::Kind::List;
  claim.text.clear();
  claim.list.push_back(value);
}

bool is_workload_word(std::string_view word) {
  static constexpr std::array<std::string_view, 13> kWords{
      "deploy",    "deployment", "deployments", "sts",     "statefulset", "statefulsets", "ds",
      "daemonset", "daemonsets", "job",         "cronjob", "rs",          "pod"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

// With -n a sender may leave its namespace out.
std::string with_namespace(const std::string& from, const std::string& ns) {
  if (ns.empty() || from == "internet" || model::parse_ip(from)) return from;
  const auto slash = from.find('/');
  if (slash == std::string::npos) return ns + "/" + from;
  const bool one_slash = from.find('/', slash + 1) == std::string::npos;
  return one_slash && is_workload_word(std::string_view(from).substr(0, slash)) ? ns + "/" + from : from;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  const std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::optional<sim::Flow> flow_of(const Options& options, const Streams& streams) {
  const FlowOptions& given = options.flow;
  sim::Flow flow;
  flow.from = with_namespace(given.from, options.cluster.default_namespace);
  flow.to = given.to;
  flow.method = given.method;
  std::transform(flow.method.begin(), flow.method.end(), flow.method.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  flow.protocol = given.protocol;
  flow.sni = given.sni;
  flow.connect_to = given.connect_to;
  if (!given.tunnel.empty()) flow.tunnel = given.tunnel;
  for (const auto& header : given.headers) {
    const auto colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      complain(streams, fmt::format("--header: \"{}\" is no header", header), "write --header 'name: value'");
      return std::nullopt;
    }
    flow.headers.emplace_back(lower(trimmed(std::string_view(header).substr(0, colon))),
                              std::string(trimmed(std::string_view(header).substr(colon + 1))));
  }
  if (!given.claims.empty()) {
    sim::Token token;
    for (const auto& claim : given.claims) {
      const auto equals = claim.find('=');
      if (equals == std::string::npos || equals == 0) {
        complain(streams, fmt::format("--claim: \"{}\" is no claim", claim),
                 "write --claim groups=ops; iss and sub are claims as well");
        return std::nullopt;
      }
      set_claim(token, claim.substr(0, equals), claim.substr(equals + 1));
    }
    flow.tokens.push_back(std::move(token));
  }
  if (!given.jwt_file.empty()) {
    const auto text = read_file(given.jwt_file);
    if (!text) {
      complain(streams, fmt::format("--jwt: {} cannot be read", given.jwt_file),
               "give a file that holds the token, or - for standard input");
      return std::nullopt;
    }
    flow.tokens.push_back(sim::decode_jwt(trimmed(*text)));
  }
  flow.session = given.session == "none"          ? sim::Session::None
                 : given.session == "valid"       ? sim::Session::Valid
                 : given.session == "expired"     ? sim::Session::Expired
                 : given.session == "refreshable" ? sim::Session::ExpiredRefreshable
                                                  : sim::Session::Unstated;
  if (!given.source_ip.empty()) {
    flow.source_ip = model::parse_ip(given.source_ip);
    if (!flow.source_ip) {
      complain(streams, fmt::format("--source-ip: \"{}\" is no IP address", given.source_ip),
               "write 203.0.113.9 or 2001:db8::9");
      return std::nullopt;
    }
  }
  return flow;
}

}  // namespace waypath::tools
