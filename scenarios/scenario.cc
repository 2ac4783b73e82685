#include "scenarios/scenario.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "model/diagnostic_codes.h"
#include "model/load/decode.h"
#include "model/yaml/node_builder.h"
#include "model/yaml/reader.h"
#include "model/yaml/yaml_codes.h"
#include "sim/jwt.h"

namespace waypath::scenarios {
namespace {

using model::Field;
namespace fs = std::filesystem;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// A scalar as text whatever its type: header values and labels are written as people think of them.
std::string scalar_text(const Field& f) {
  return f.present() && f.node()->is_scalar() ? std::string(f.node()->scalar) : f.text();
}

std::vector<std::string> one_or_many(const Field& f) {
  if (f.present() && f.node()->is_sequence()) return f.texts();
  const auto text = f.optional_text();
  return text ? std::vector<std::string>{*text} : std::vector<std::string>{};
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

sim::Token read_token(const Field& f) {
  sim::Token t;
  f.only({"issuer", "subject", "audiences", "claims", "state", "raw", "header", "param", "cookie", "prefix"});
  if (f["raw"]) t = sim::decode_jwt(f["raw"].text());
  if (f["issuer"]) t.issuer = f["issuer"].text();
  if (f["subject"]) t.subject = f["subject"].text();
  if (f["audiences"]) t.audiences = one_or_many(f["audiences"]);
  f["claims"].each_member([&](std::string_view key, const Field& v) {
    t.claims.insert_or_assign(std::string(key), read_claim(v));
  });
  using State = sim::Token::State;
  const auto state =
      f["state"].one_of({"valid", "expired", "notYetValid", "malformed", "badSignature", "unverified"});
  if (!state.empty() || !f["raw"]) {
    t.state = state == "expired"        ? State::Expired
              : state == "notYetValid"  ? State::NotYetValid
              : state == "malformed"    ? State::Malformed
              : state == "badSignature" ? State::BadSignature
              : state == "unverified"   ? State::Unverified
                                        : State::Valid;
  }
  if (f["header"]) t.name = lower(f["header"].text());
  if (f["prefix"]) t.prefix = f["prefix"].text();
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

Expectation read_expectation(const Field& f) {
  Expectation e;
  e.pos = f.pos();
  f.only({"outcome", "symptom", "by", "reason", "via", "notVia", "identity", "backend", "legs", "bypassed",
          "rule"});
  if (const auto outcome = f["outcome"].one_of({"allow", "deny", "timeout", "unreachable", "unknown"});
      !outcome.empty())
    e.outcome = outcome;
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
    l.only({"from", "to", "transport", "port"});
    Expectation::Leg leg;
    leg.pos = l.pos();
    leg.from = l["from"].optional_text();
    leg.to = l["to"].optional_text();
    leg.transport = l["transport"].optional_text();
    if (const auto port = l["port"].integer()) leg.port = static_cast<int>(*port);
    e.legs.push_back(std::move(leg));
  });
  return e;
}

class Reader {
 public:
  Reader(const std::string& path, Scenario& out) : out_(out), folder_(fs::path(path).parent_path()) {
    out_.path = path;
  }

  void read(const Field& root) {
    root.only({"apiVersion", "kind", "metadata", "cluster", "assume", "flows", "variants"});
    if (root["apiVersion"].text() != "waypath.dev/v1")
      root["apiVersion"].reject(model::error_type::kNotSupported, "expected waypath.dev/v1");
    root["metadata"].only({"name", "description", "labels", "annotations"});
    out_.name = root["metadata"]["name"].text(fs::path(out_.path).stem().string());
    out_.description = root["metadata"]["description"].text();
    cluster(root["cluster"]);
    assume(root["assume"]);
    std::set<std::string> names;
    root["flows"].each([&](const Field& f) {
      auto c = flow(f);
      if (!names.insert(c.flow.name).second)
        f["name"].reject(model::error_type::kDuplicate, "two flows are named \"" + c.flow.name + "\"");
      out_.flows.push_back(std::move(c));
    });
    if (out_.flows.empty())
      root["flows"].reject(model::error_type::kRequired, "a scenario needs at least one flow");
    std::set<std::string> variants;
    root["variants"].each([&](const Field& f) {
      auto v = variant(f, names);
      if (!variants.insert(v.name).second)
        f["name"].reject(model::error_type::kDuplicate, "two variants are named \"" + v.name + "\"");
      out_.variants.push_back(std::move(v));
    });
  }

  std::vector<model::Change> changes(const Field& list) {
    std::vector<model::Change> out;
    list.each([&](const Field& f) {
      if (auto c = change(f)) out.push_back(std::move(*c));
    });
    return out;
  }

 private:
  [[nodiscard]] std::string beside(const std::string& path) const {
    return path == "-" || fs::path(path).is_absolute() ? path : (folder_ / path).lexically_normal().string();
  }

  void cluster(const Field& f) {
    f.only({"manifests", "istioVersion", "cni", "podCidrs", "sim"});
    for (const auto& path : one_or_many(f["manifests"])) out_.manifests.push_back(beside(path));
    if (f["istioVersion"]) out_.istio_version = scalar_text(f["istioVersion"]);
    out_.pod_cidrs = one_or_many(f["podCidrs"]);
    for (const auto& cidr : out_.pod_cidrs)
      if (!model::parse_cidr(cidr))
        f["podCidrs"].reject(model::error_type::kInvalid, "\"" + cidr + "\" is not a CIDR block");
    const auto cni = f["cni"].one_of({"generic", "calico", "cilium", "ovn"});
    out_.options.cni = cni == "calico"   ? sim::Cni::Calico
                       : cni == "cilium" ? sim::Cni::Cilium
                       : cni == "ovn"    ? sim::Cni::Ovn
                                         : sim::Cni::Generic;
    const Field s = f["sim"];
    s.only({"ipBlockSelectsPods", "cniRejects", "probesSubjectToNetworkPolicy"});
    out_.options.ipblock_selects_pods = s["ipBlockSelectsPods"].optional_boolean();
    out_.options.cni_rejects = s["cniRejects"].optional_boolean();
    out_.options.probe_snat_subject_to_netpol = s["probesSubjectToNetworkPolicy"].optional_boolean();
  }

  void assume(const Field& f) {
    f.only({"extAuthz", "tokens", "jwksUnavailable"});
    f["tokens"].each_member(
        [&](std::string_view name, const Field& t) { tokens_[std::string(name)] = read_token(t); });
    out_.assume.jwks_unavailable = one_or_many(f["jwksUnavailable"]);
    f["extAuthz"].each_member([&](std::string_view name, const Field& p) {
      p.only({"allowWhen", "allow", "unreachable", "setHeaders", "setToken", "else"});
      sim::ExtAuthzAnswer a;
      p["allowWhen"].only({"header"});
      p["allowWhen"]["header"].each_member([&](std::string_view h, const Field& v) {
        a.allow_when_headers.emplace(lower(h), scalar_text(v));
      });
      a.allow_always = p["allow"].boolean();
      a.unreachable = p["unreachable"].boolean();
      if (p["setToken"]) a.set_token = token(p["setToken"]);
      for (auto& [header, value] : read_headers(p["setHeaders"])) {
        // "Bearer ${token.NAME}" carries a token of this file.
        const auto open = value.find("${token.");
        const auto close = value.find('}', open == std::string::npos ? 0 : open);
        if (open != std::string::npos && close != std::string::npos) {
          const auto it = tokens_.find(value.substr(open + 8, close - open - 8));
          if (it == tokens_.end()) {
            p["setHeaders"].reject(model::error_type::kInvalid, "no token is named in " + value,
                                   "name it under assume.tokens");
          } else {
            a.set_token = it->second;
            a.set_token->name = header;
            a.set_token->prefix = value.substr(0, open);
          }
        }
        a.set_headers.emplace_back(header, value);
      }
      if (p["else"]) answer_else(p["else"], a);
      out_.assume.ext_authz.emplace(std::string(name), std::move(a));
    });
  }

  // "http 403" or "http 302 https://...".
  static void answer_else(const Field& f, sim::ExtAuthzAnswer& a) {
    const auto text = f.text();
    const bool form = text.substr(0, 5) == "http " && text.size() >= 8 &&
                      text.substr(5, 3).find_first_not_of("0123456789") == std::string::npos;
    if (!form) {
      f.reject(model::error_type::kInvalid,
               "expected \"http STATUS\" or \"http 302 URL\", found \"" + text + "\"");
      return;
    }
    a.else_status = std::stoi(text.substr(5, 3));
    if (text.size() > 9) a.else_redirect = text.substr(9);
  }

  sim::Token token(const Field& f) {
    if (f.present() && f.node()->is_mapping()) return read_token(f);
    const auto name = f.text();
    const auto it = tokens_.find(name);
    if (it != tokens_.end()) return it->second;
    std::string known;
    for (const auto& [n, t] : tokens_) known.append(known.empty() ? "" : ", ").append(n);
    f.reject(model::error_type::kInvalid, "no token is named \"" + name + "\"",
             known.empty() ? "name it under assume.tokens" : "known: " + known);
    return {};
  }

  FlowCase flow(const Field& f) {
    FlowCase c;
    c.pos = f.pos();
    f.only({"name", "description", "from", "to", "protocol", "http", "token", "tokens", "session",
            "sessionToken", "sni", "sourceIp", "connectTo", "tunnel", "tags", "expect"});
    auto& flow = c.flow;
    flow.from = f["from"].text();
    flow.to = f["to"].text();
    if (flow.from.empty())
      f["from"].reject(
          model::error_type::kRequired,
          "a flow needs from: ns/pod, ns/deploy/name, internet, an address, node/NAME or kubelet/NAME");
    if (flow.to.empty()) f["to"].reject(model::error_type::kRequired, "a flow needs to: a URL or host:port");
    flow.name = f["name"].text(flow.from + " -> " + flow.to);
    flow.protocol = f["protocol"].one_of({"http", "https", "grpc", "h2c", "tcp", "tls", "udp", "sctp"});
    const Field http = f["http"];
    http.only({"method", "headers"});
    if (http["method"]) flow.method = http["method"].text();
    flow.headers = read_headers(http["headers"]);
    if (f["token"]) flow.tokens.push_back(token(f["token"]));
    f["tokens"].each([&](const Field& t) { flow.tokens.push_back(token(t)); });
    const auto session = f["session"].one_of({"none", "valid", "expired", "refreshable"});
    flow.session = session == "none"          ? sim::Session::None
                   : session == "valid"       ? sim::Session::Valid
                   : session == "expired"     ? sim::Session::Expired
                   : session == "refreshable" ? sim::Session::ExpiredRefreshable
                                              : sim::Session::Unstated;
    if (f["sessionToken"]) flow.session_token = token(f["sessionToken"]);
    flow.sni = f["sni"].text();
    flow.connect_to = f["connectTo"].text();
    if (const auto ip = f["sourceIp"].optional_text()) {
      flow.source_ip = model::parse_ip(*ip);
      if (!flow.source_ip)
        f["sourceIp"].reject(model::error_type::kInvalid, "\"" + *ip + "\" is not an IP address");
    }
    if (const auto tunnel = f["tunnel"].one_of({"hbone"}); !tunnel.empty()) flow.tunnel = tunnel;
    c.tags = one_or_many(f["tags"]);
    c.description = f["description"].text();
    if (f["expect"]) c.expect = read_expectation(f["expect"]);
    return c;
  }

  Variant variant(const Field& f, const std::set<std::string>& flows) {
    Variant v;
    v.pos = f.pos();
    f.only({"name", "description", "tags", "change", "flows", "expect"});
    v.name = f["name"].text();
    if (v.name.empty()) f["name"].reject(model::error_type::kRequired, "a variant needs its name");
    v.description = f["description"].text();
    v.tags = one_or_many(f["tags"]);
    v.changes = changes(f["change"]);
    v.flows = one_or_many(f["flows"]);
    for (const auto& name : v.flows)
      if (flows.count(name) == 0)
        f["flows"].reject(model::error_type::kInvalid, "no flow is named \"" + name + "\"");
    f["expect"].each_member([&](std::string_view name, const Field& e) {
      if (flows.count(std::string(name)) == 0) {
        std::string known;
        for (const auto& n : flows) known.append(known.empty() ? "" : ", ").append(n);
        e.reject(model::error_type::kInvalid, "no flow is named \"" + std::string(name) + "\"",
                 "flows: " + known);
      }
      v.expect.emplace(std::string(name), read_expectation(e));
    });
    return v;
  }

  std::optional<model::Change> change(const Field& f) {
    static constexpr std::string_view kVerbs[] = {"apply", "delete", "patch",       "label",
                                                  "scale", "fail",   "istioVersion"};
    f.only({"apply", "create", "delete", "patch", "json", "merge", "label", "labels", "scale", "replicas",
            "fail", "istioVersion"});
    int verbs = f["create"].present() ? 1 : 0;
    for (const auto verb : kVerbs) verbs += f[verb].present() ? 1 : 0;
    if (verbs != 1) {
      f.reject(model::error_type::kInvalid,
               "a change has exactly one of apply, create, delete, patch, label, scale, fail, istioVersion");
      return std::nullopt;
    }
    model::Change c;
    c.pos = f.pos();
    const auto ref = [](const Field& r) { return model::ObjectRef{r.text(), r.pos()}; };
    if (f["apply"] || f["create"]) {
      const Field a = f["apply"] ? f["apply"] : f["create"];
      model::ApplyChange apply;
      apply.must_be_new = f["create"].present();
      if (a.node()->is_mapping() || a.node()->is_sequence()) {
        apply.path = out_.path;
        apply.first_line = a.pos().line;
        if (a.node()->is_mapping()) {
          apply.text = model::yaml::to_json(*a.node()).dump();
        } else {
          a.each([&](const Field& item) { apply.text += model::yaml::to_json(*item.node()).dump() + "\n"; });
        }
      } else {
        apply.path = beside(a.text());
        std::ifstream in(apply.path, std::ios::binary);
        if (!in)
          a.reject(model::error_type::kInvalid, "\"" + apply.path + "\" cannot be read",
                   "paths are relative to this file");
        apply.text.assign(std::istreambuf_iterator<char>(in), {});
      }
      c.what = std::move(apply);
    } else if (f["delete"]) {
      c.what = model::DeleteChange{ref(f["delete"])};
    } else if (f["patch"]) {
      if (f["json"].present() == f["merge"].present())
        f.reject(model::error_type::kInvalid, "a patch has json (RFC 6902) or merge (RFC 7396)");
      const Field body = f["json"] ? f["json"] : f["merge"];
      c.what =
          model::PatchChange{ref(f["patch"]), f["json"].present(),
                             body.present() ? model::yaml::to_json(*body.node()).dump() : "[]", out_.path};
    } else if (f["label"]) {
      model::LabelChange label{ref(f["label"]), {}};
      f["labels"].each_member([&](std::string_view key, const Field& v) {
        label.labels.emplace_back(std::string(key),
                                  v.present() ? std::optional(scalar_text(v)) : std::nullopt);
      });
      if (label.labels.empty())
        f["labels"].reject(model::error_type::kRequired, "name the labels: {key: value}, null removes one");
      c.what = std::move(label);
    } else if (f["scale"]) {
      const auto replicas = f["replicas"].integer();
      if (!replicas) f["replicas"].reject(model::error_type::kRequired, "name the number of replicas");
      c.what = model::ScaleChange{ref(f["scale"]), static_cast<int>(replicas.value_or(0))};
    } else if (f["fail"]) {
      c.what = model::FailChange{ref(f["fail"])};
    } else {
      c.what = model::VersionChange{scalar_text(f["istioVersion"])};
    }
    return c;
  }

  Scenario& out_;
  fs::path folder_;
  std::map<std::string, sim::Token> tokens_;
};

// In a scenario everything unknown or mistyped is an error of the input.
bool report_as_input_errors(model::Diagnostics&& found, model::Diagnostics& diagnostics) {
  bool ok = true;
  for (auto d : found.items()) {
    if (d.code == model::kFieldType || d.code == model::kFieldUnknown || d.code == model::kFieldInvalid) {
      d.code = kScenarioInvalid;
      d.severity = model::Severity::Error;
      d.reach = model::Reach::Input;
      if (d.error_type == model::error_type::kUnknownField) d.message = "unknown field";
    }
    if (d.severity == model::Severity::Error) ok = false;
    diagnostics.report(std::move(d));
  }
  return ok;
}

std::optional<std::string> read_file(const std::string& path, model::Diagnostics& diagnostics) {
  std::error_code error;
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path, error)) {
    diagnostics.report({model::yaml::kInputMissing,
                        model::Severity::Error,
                        model::Reach::Input,
                        {},
                        {},
                        {},
                        {},
                        "\"" + path + "\" cannot be read; expected a scenario file",
                        "check the spelling"});
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

std::optional<Scenario> parse_scenario(const std::string& path, const std::string& text,
                                       model::SourceFiles& files, model::Diagnostics& diagnostics) {
  const auto file = files.add(path, text);
  model::Diagnostics found;
  const auto documents = model::yaml::read_documents(text, file, found, {.prune = false});
  const model::yaml::Document* scenario = nullptr;
  std::size_t others = 0;
  for (const auto& d : documents) {
    const auto* kind = d.root == nullptr ? nullptr : d.root->find("kind");
    if (kind != nullptr && kind->is_scalar() && kind->scalar == "Scenario") {
      if (scenario != nullptr)
        found.report({kScenarioInvalid,
                      model::Severity::Error,
                      model::Reach::Input,
                      d.root->pos,
                      {},
                      "kind",
                      {},
                      "a file holds one Scenario",
                      "put the second into a file of its own"});
      if (scenario == nullptr) scenario = &d;
    } else if (d.root != nullptr && !d.root->is_null()) {
      ++others;
    }
  }
  if (scenario == nullptr) {
    if (!found.has_errors())
      found.report({kScenarioInvalid,
                    model::Severity::Error,
                    model::Reach::Input,
                    {file, 1, 1},
                    {},
                    "kind",
                    {},
                    "no document with kind: Scenario",
                    "start with apiVersion: waypath.dev/v1 and kind: Scenario"});
    report_as_input_errors(std::move(found), diagnostics);
    return std::nullopt;
  }
  Scenario out;
  model::DecodeContext context(found);
  Reader reader(path, out);
  reader.read(Field(context, *scenario->root));
  if (out.manifests.empty()) {
    out.inline_cluster = others != 0;
    if (others == 0)
      found.report({kScenarioInvalid,
                    model::Severity::Error,
                    model::Reach::Input,
                    scenario->root->pos,
                    {},
                    "cluster.manifests",
                    {},
                    "no cluster",
                    "name manifests, or add the objects as further documents of this file"});
  }
  if (!report_as_input_errors(std::move(found), diagnostics)) return std::nullopt;
  return out;
}

std::optional<Scenario> read_scenario(const std::string& path, model::SourceFiles& files,
                                      model::Diagnostics& diagnostics) {
  const auto text = read_file(path, diagnostics);
  return text ? parse_scenario(path, *text, files, diagnostics) : std::nullopt;
}

std::vector<model::Change> parse_changes(const std::string& path, const std::string& text,
                                         model::SourceFiles& files, model::Diagnostics& diagnostics) {
  const auto file = files.add(path, text);
  model::Diagnostics found;
  std::vector<model::Change> out;
  Scenario scratch;
  Reader reader(path, scratch);
  model::DecodeContext context(found);
  for (const auto& d : model::yaml::read_documents(text, file, found, {.prune = false})) {
    if (d.root == nullptr) continue;
    const Field root(context, *d.root);
    auto list = reader.changes(d.root->is_sequence() ? root : root["change"]);
    out.insert(out.end(), std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
  }
  report_as_input_errors(std::move(found), diagnostics);
  return out;
}

std::vector<std::string> find_scenarios(const std::vector<std::string>& paths,
                                        model::Diagnostics& diagnostics) {
  std::vector<std::string> out;
  for (const auto& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry :
         fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, error)) {
      const auto extension = entry.path().extension();
      if (!entry.is_regular_file(error) || (extension != ".yaml" && extension != ".yml")) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string text(std::istreambuf_iterator<char>(in), {});
      if (text.find("kind: Scenario") != std::string::npos) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    if (found.empty())
      diagnostics.report({kScenarioNone,
                          model::Severity::Error,
                          model::Reach::Input,
                          {},
                          {},
                          {},
                          {},
                          "no scenario file below \"" + path + "\"",
                          "a scenario file has kind: Scenario"});
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

}  // namespace waypath::scenarios
