#include "scenarios/flow_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "model/base/edit_distance.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/keys.h"
#include "sim/jwt.h"

namespace waypath::scenarios {
namespace {

using model::Field;
namespace error_type = model::error_type;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

sim::Claim read_claim(const Field& f) {
  sim::Claim c;
  const auto* node = f.node();
  if (node == nullptr) return c;
  if (node->is_sequence()) {
    c.kind = sim::Claim::Kind::List;
    c.list = f.texts();
  } else if (node->is_mapping()) {
    c.kind = sim::Claim::Kind::Object;
    f.each_member(
        [&](std::string_view key, const Field& v) { c.object.emplace(std::string(key), read_claim(v)); });
  } else {
    c.kind = node->is_string() ? sim::Claim::Kind::String : sim::Claim::Kind::Other;
    c.text = std::string(node->scalar);
  }
  return c;
}

sim::Headers read_headers(const Field& f) {
  sim::Headers out;
  f.each_member([&](std::string_view key, const Field& v) {
    if (v.present() && v.node()->is_sequence()) {
      v.each([&](const Field& item) { out.emplace_back(lower(key), scalar_text(item)); });
    } else {
      out.emplace_back(lower(key), scalar_text(v));
    }
  });
  return out;
}

// "http 403" or "http 302 https://...".
void read_else(const Field& f, sim::ExtAuthzAnswer& a) {
  const auto text = f.text();
  const bool status = text.size() >= 8 && text.substr(0, 5) == "http " &&
                      text.substr(5, 3).find_first_not_of("0123456789") == std::string::npos;
  if (!status || (text.size() > 8 && text[8] != ' ')) {
    f.reject(error_type::kInvalid, "expected \"http STATUS\" or \"http 302 URL\", found \"" + text + "\"");
    return;
  }
  a.else_status = std::stoi(text.substr(5, 3));
  if (text.size() > 9) a.else_redirect = text.substr(9);
}

// "Bearer ${token.NAME}" in a header carries a token of the file.
void read_token_header(const Field& f, const std::string& header, const std::string& value,
                       const Tokens& tokens, sim::ExtAuthzAnswer& a) {
  static constexpr std::string_view kOpen = "${token.";
  const auto open = value.find(kOpen);
  const auto close = value.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return;
  const auto name = value.substr(open + kOpen.size(), close - open - kOpen.size());
  const auto it = tokens.find(name);
  if (it == tokens.end()) {
    f.reject(error_type::kInvalid, "no token is named \"" + name + "\"", "name it under assume.tokens");
    return;
  }
  a.set_token = it->second;
  a.set_token->name = header;
  a.set_token->prefix = value.substr(0, open);
}

// ---- ends ----

EndSelector read_selector(const Field& f, bool destination) {
  EndSelector s;
  f.only(destination ? keys::kDestinations : keys::kSources);
  if (f.size() == 0)
    f.reject(error_type::kRequired, "nothing is selected", "say all: true to mean every one");
  s.all = f["all"].boolean();
  s.namespaces = one_or_many(f["namespace"]);
  s.labels = model::decode_match_labels(f["labels"]);
  s.except = one_or_many(f["except"]);
  if (destination) {
    s.names = one_or_many(f["service"]);
    s.hosts = one_or_many(f["host"]);
    s.port = f["port"].port();
    s.path = f["path"].text();
    if (!s.path.empty() && s.path.front() != '/')
      f["path"].reject(error_type::kInvalid, "a path starts with /");
  } else {
    s.names = one_or_many(f["workload"]);
    s.external = f["external"].boolean();
    if (s.external && (s.all || !s.namespaces.empty() || !s.names.empty() || !s.labels.empty()))
      f["external"].reject(error_type::kInvalid, "the outside is no workload",
                           "external stands alone; all means it and every workload");
  }
  return s;
}

/// One end as written: a name, or a selector.
struct End {
  std::string text;
  std::optional<EndSelector> selector;
};

std::vector<End> read_ends(const Field& f, bool destination) {
  std::vector<End> out;
  const auto one = [&](const Field& item) {
    if (item.present() && item.node()->is_mapping()) {
      out.push_back({{}, read_selector(item, destination)});
    } else if (auto text = item.text(); !text.empty()) {
      out.push_back({std::move(text), {}});
    }
  };
  if (f.present() && f.node()->is_sequence()) {
    f.each(one);
    if (out.empty()) f.reject(error_type::kRequired, "the list is empty");
  } else if (f.present()) {
    one(f);
  } else {
    EndSelector all;
    all.all = true;
    out.push_back({{}, all});
  }
  return out;
}

// What a flow and an invariant share: the request itself.
FlowCase read_request(const Field& f, const Tokens& tokens) {
  FlowCase c;
  c.pos = f.pos();
  auto& flow = c.flow;
  flow.protocol = f["protocol"].one_of(values::kProtocol);
  const Field http = f["http"];
  http.only(keys::kHttp);
  if (http["method"]) flow.method = http["method"].text();
  flow.headers = read_headers(http["headers"]);
  if (f["token"]) flow.tokens.push_back(read_token_or_name(f["token"], tokens));
  f["tokens"].each([&](const Field& t) { flow.tokens.push_back(read_token_or_name(t, tokens)); });
  const auto session = f["session"].one_of(values::kSession);
  flow.session = session == "none"          ? sim::Session::None
                 : session == "valid"       ? sim::Session::Valid
                 : session == "expired"     ? sim::Session::Expired
                 : session == "refreshable" ? sim::Session::ExpiredRefreshable
                                            : sim::Session::Unstated;
  if (f["sessionToken"]) flow.session_token = read_token_or_name(f["sessionToken"], tokens);
  flow.sni = f["sni"].text();
  flow.connect_to = f["connectTo"].text();
  if (const auto ip = f["sourceIp"].optional_text()) {
    flow.source_ip = model::parse_ip(*ip);
    if (!flow.source_ip) f["sourceIp"].reject(error_type::kInvalid, "\"" + *ip + "\" is not an IP address");
  }
  if (const auto tunnel = f["tunnel"].one_of(values::kTunnel); !tunnel.empty()) flow.tunnel = tunnel;
  return c;
}

// Every source with every destination, in written order.
std::vector<FlowCase> read_pairs(const Field& f, const FlowCase& common) {
  std::vector<FlowCase> out;
  const auto sources = read_ends(f["from"], false), destinations = read_ends(f["to"], true);
  const std::string name = f["name"].text();
  const bool several = sources.size() * destinations.size() > 1;
  for (const auto& to : destinations)
    for (const auto& from : sources) {
      FlowCase one = common;
      one.flow.from = from.text;
      one.flow.to = to.text;
      one.from = from.selector;
      one.to = to.selector;
      const std::string pair = flow_title(from.text, one.flow.method, to.text);
      one.flow.name = name.empty() ? pair : several && !one.from && !one.to ? name + ": " + pair : name;
      one.group = name.empty() ? pair : name;
      out.push_back(std::move(one));
    }
  return out;
}

}  // namespace

std::string scalar_text(const Field& f) {
  return f.present() && f.node()->is_scalar() ? std::string(f.node()->scalar) : f.text();
}

std::vector<std::string> one_or_many(const Field& f) {
  if (f.present() && f.node()->is_sequence()) return f.texts();
  const auto text = f.optional_text();
  return text ? std::vector<std::string>{*text} : std::vector<std::string>{};
}

void reject_unknown_name(const Field& field, std::string message, std::string_view word,
                         const std::vector<std::string>& known) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  std::string hint;
  if (const auto near = model::nearest(word, candidates)) {
    hint = "did you mean \"" + std::string(*near) + "\"?";
  } else {
    for (const auto& name : known) hint.append(hint.empty() ? "there are: " : ", ").append(name);
  }
  field.reject(error_type::kInvalid, std::move(message), std::move(hint));
}

sim::Token read_token(const Field& f) {
  sim::Token t;
  f.only(keys::kToken);
  if (f["raw"]) t = sim::decode_jwt(f["raw"].text());
  if (f["issuer"]) t.issuer = f["issuer"].text();
  if (f["subject"]) t.subject = f["subject"].text();
  if (f["audiences"]) t.audiences = one_or_many(f["audiences"]);
  f["claims"].each_member([&](std::string_view key, const Field& v) {
    t.claims.insert_or_assign(std::string(key), read_claim(v));
  });
  using State = sim::Token::State;
  const auto state = f["state"].one_of(values::kTokenState);
  if (!state.empty() || !f["raw"]) {
    t.state = state == "expired"        ? State::Expired
              : state == "notYetValid"  ? State::NotYetValid
              : state == "malformed"    ? State::Malformed
              : state == "badSignature" ? State::BadSignature
              : state == "unverified"   ? State::Unverified
                                        : State::Valid;
  }
  const std::array places{f["header"], f["param"], f["cookie"]};
  if (std::count_if(places.begin(), places.end(), [](const Field& p) { return p.present(); }) > 1)
    f.reject(error_type::kInvalid, "a token is sent in one place: header, param or cookie",
             "a second token goes into the flow's tokens");
  if (f["header"]) t.name = lower(f["header"].text());
  if (f["header"]) t.prefix = "";  // a header of the user's choice has no scheme unless prefix names one
  if (f["prefix"]) t.prefix = f["prefix"].text();
  if (f["header"] && t.name == "authorization" && !f["prefix"]) t.prefix = "Bearer ";
  if (f["param"]) {
    t.where = sim::Token::Where::Param;
    t.name = f["param"].text();
  }
  if (f["cookie"]) {
    t.where = sim::Token::Where::Cookie;
    t.name = f["cookie"].text();
  }
  return t;
}

sim::Token read_token_or_name(const Field& f, const Tokens& tokens) {
  if (f.present() && f.node()->is_mapping()) return read_token(f);
  const auto name = f.text();
  const auto it = tokens.find(name);
  if (it != tokens.end()) return it->second;
  std::vector<std::string> known;
  for (const auto& [n, t] : tokens) known.push_back(n);
  if (known.empty()) {
    f.reject(error_type::kInvalid, "no token is named \"" + name + "\"", "name it under assume.tokens");
  } else {
    reject_unknown_name(f, "no token is named \"" + name + "\"", name, known);
  }
  return {};
}

sim::ExtAuthzAnswer read_ext_authz(const Field& f, const Tokens& tokens) {
  f.only(keys::kExtAuthz);
  sim::ExtAuthzAnswer a;
  f["allowWhen"].only(keys::kAllowWhen);
  f["allowWhen"]["header"].each_member(
      [&](std::string_view h, const Field& v) { a.allow_when_headers.emplace(lower(h), scalar_text(v)); });
  a.allow_always = f["allow"].boolean();
  a.unreachable = f["unreachable"].boolean();
  if (a.unreachable && (a.allow_always || !a.allow_when_headers.empty()))
    f["unreachable"].reject(error_type::kInvalid, "a service that cannot be reached answers nothing",
                            "leave out allow and allowWhen");
  if (f["setToken"]) a.set_token = read_token_or_name(f["setToken"], tokens);
  for (auto& [header, value] : read_headers(f["setHeaders"])) {
    read_token_header(f["setHeaders"], header, value, tokens, a);
    a.set_headers.emplace_back(header, value);
  }
  if (f["else"]) read_else(f["else"], a);
  return a;
}

Expectation read_expectation(const Field& f) {
  Expectation e;
  e.pos = f.pos();
  f.only(keys::kExpect);
  // An expectation that asks for nothing would hold whatever happens.
  if (f.size() == 0) f.reject(error_type::kRequired, "nothing is expected", "name at least the outcome");
  if (const auto outcome = f["outcome"].one_of(values::kOutcome); !outcome.empty()) e.outcome = outcome;
  e.symptom = f["symptom"].optional_text();
  e.reason = f["reason"].optional_text();
  e.identity = f["identity"].optional_text();
  e.backend = f["backend"].optional_text();
  e.by = one_or_many(f["by"]);
  e.via = one_or_many(f["via"]);
  e.not_via = one_or_many(f["notVia"]);
  if (const auto rule = f["rule"].integer()) e.rule = static_cast<int>(*rule);
  if (const Field b = f["bypassed"]; b.present()) {
    if (b.node()->is_bool()) {
      e.bypassed = b.boolean();
    } else {
      e.bypassed_text = b.text();
    }
  }
  f["legs"].each([&](const Field& l) {
    l.only(keys::kLeg);
    Expectation::Leg leg;
    leg.pos = l.pos();
    leg.from = l["from"].optional_text();
    leg.to = l["to"].optional_text();
    if (const auto transport = l["transport"].one_of(values::kTransport); !transport.empty())
      leg.transport = transport;
    if (const auto port = l["port"].port()) leg.port = *port;
    e.legs.push_back(std::move(leg));
  });
  return e;
}

std::vector<FlowCase> read_flow(const Field& f, const Tokens& tokens) {
  f.only(keys::kFlow);
  if (!f["from"].present())
    f["from"].reject(error_type::kRequired, "a flow needs from",
                     "ns/pod, ns/deploy/name, internet, an address, node/NAME, kubelet/NAME, or "
                     "{namespace: NS}");
  if (!f["to"].present())
    f["to"].reject(error_type::kRequired, "a flow needs to", "a URL or host:port, or {service: NAME}");
  FlowCase common = read_request(f, tokens);
  common.tags = one_or_many(f["tags"]);
  common.description = f["description"].text();
  if (f["expect"].written()) common.expect = read_expectation(f["expect"]);
  auto out = read_pairs(f, common);
  if (f["name"].text().empty())
    for (const auto& flow : out) {
      if ((!flow.from || !f["from"].present()) && (!flow.to || !f["to"].present())) continue;
      f["name"].reject(error_type::kRequired, "a flow that stands for many needs a name");
      break;
    }
  return out;
}

Invariant read_invariant(const Field& f, const Tokens& tokens) {
  Invariant out;
  f.only(keys::kInvariant);
  out.pos = f.pos();
  out.name = f["name"].text();
  if (out.name.empty()) f["name"].reject(error_type::kRequired, "an invariant needs its name");
  out.description = f["description"].text();
  out.tags = one_or_many(f["tags"]);
  out.flows = read_pairs(f, read_request(f, tokens));
  out.never = f["never"].written();
  if (out.never == f["always"].written())
    f.reject(error_type::kInvalid, "an invariant has either never or always",
             "never: {outcome: allow, notVia: waypoint/ns/name}");
  else
    out.what = read_expectation(f[out.never ? "never" : "always"]);
  return out;
}

}  // namespace waypath::scenarios
