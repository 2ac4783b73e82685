// JSON: the contract of the command line. Keys are camelCase and keep their order.

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tools/render/render.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string text(std::string_view s) { return std::string(s); }

Json object_json(const sim::ObjectAt& o, const model::SourceFiles& files) {
  Json j;
  j["kind"] = o.key.kind.str();
  j["namespace"] = o.key.ns.str();
  j["name"] = o.key.name.str();
  j["file"] = o.pos.known() ? text(files.path(o.pos.file)) : "";
  j["line"] = o.pos.line;
  j["rule"] = o.rule;
  return j;
}

Json by_json(const sim::Reason& r, const model::SourceFiles& files) {
  return r.by ? object_json(*r.by, files) : Json(nullptr);
}

Json nodes_json(const std::vector<sim::TraceNode>& nodes, const model::SourceFiles& files) {
  Json out = Json::array();
  for (const auto& n : nodes) {
    Json j;
    j["layer"] = n.layer;
    j["decision"] = text(sim::to_string(n.decision));
    j["reason"] = text(n.reason.code.text);
    j["detail"] = n.reason.detail;
    j["by"] = by_json(n.reason, files);
    if (!n.children.empty()) j["considered"] = nodes_json(n.children, files);
    out.push_back(std::move(j));
  }
  return out;
}

Json path_json(const sim::PathVerdict& p, const model::SourceFiles& files) {
  Json j;
  j["outcome"] = text(sim::to_string(p.outcome));
  j["symptom"] = p.symptom;
  j["share"] = p.share;
  j["reason"] = text(p.reason.code.text);
  j["detail"] = p.reason.detail;
  j["by"] = by_json(p.reason, files);
  j["deciders"] = Json::array();
  for (const auto& d : p.deciders) j["deciders"].push_back(object_json(d, files));
  j["decidedAtHop"] = p.decided_at_hop ? Json(*p.decided_at_hop) : Json(nullptr);
  j["decidedAtLeg"] = p.decided_at_leg ? Json(*p.decided_at_leg) : Json(nullptr);
  j["hops"] = Json::array();
  for (const auto& h : p.hops) {
    Json hop;
    hop["kind"] = text(sim::to_string(h.kind));
    hop["namespace"] = h.ns;
    hop["name"] = h.name;
    hop["pod"] = h.pod;
    hop["identity"] = h.seen_peer.principal;
    hop["decision"] = text(sim::to_string(h.decision));
    hop["decisions"] = nodes_json(h.decisions, files);
    j["hops"].push_back(std::move(hop));
  }
  j["legs"] = Json::array();
  for (const auto& l : p.legs) {
    Json leg;
    leg["from"] = l.from;
    leg["to"] = l.to;
    leg["transport"] = text(sim::to_string(l.transport));
    leg["protocol"] = l.protocol;
    leg["source"] = l.source;
    leg["destination"] = l.destination;
    leg["wirePort"] = l.wire_port;
    leg["innerPort"] = l.inner_port;
    if (l.auxiliary) leg["purpose"] = l.purpose;
    leg["decision"] = text(sim::to_string(l.decision));
    leg["dropped"] = l.dropped;
    leg["egress"] = nodes_json(l.egress, files);
    leg["ingress"] = nodes_json(l.ingress, files);
    j["legs"].push_back(std::move(leg));
  }
  j["backend"] = p.backend;
  j["backendPod"] = p.backend_pod;
  j["response"] = {{"status", p.response.status},
                   {"redirect", p.response.redirect},
                   {"answeredBy", p.response.answered_by}};
  if (p.backend_request) {
    Json headers = Json::object();
    for (const auto& [name, value] : p.backend_request->headers) headers[name] = value;
    j["backendRequest"] = {{"host", p.backend_request->host},
                           {"path", p.backend_request->path},
                           {"headers", headers},
                           {"port", p.backend_request->port}};
  }
  j["bypassed"] = p.bypassed;
  j["bypassCauses"] = Json::array();
  for (const auto& c : p.bypass_causes) j["bypassCauses"].push_back(object_json(c, files));
  j["assumptions"] = Json::array();
  for (const auto& a : p.assumptions)
    j["assumptions"].push_back({{"code", text(a.code.text)}, {"detail", a.detail}});
  j["nearMisses"] = Json::array();
  for (const auto& n : p.near_misses)
    j["nearMisses"].push_back({{"object", object_json(n.object, files)}, {"detail", n.detail}});
  j["missingFacts"] = p.missing_facts;
  j["notes"] = p.notes;
  return j;
}

Json verdict_json(const sim::Verdict& v, const model::SourceFiles& files) {
  Json j;
  j["apiVersion"] = "waypath.dev/v1";
  j["kind"] = "Trace";
  j["flow"] = {{"from", v.from}, {"to", v.to}};
  j["istioVersion"] = v.istio_version;
  j["outcome"] = text(sim::to_string(v.outcome));
  j["symptom"] = v.symptom;
  j["split"] = v.split;
  const sim::PathVerdict none;
  const auto& first = v.paths.empty() ? none : v.paths.front();
  j["reason"] = text(first.reason.code.text);
  j["by"] = by_json(first.reason, files);
  j["paths"] = Json::array();
  for (const auto& p : v.paths) j["paths"].push_back(path_json(p, files));
  const auto top = path_json(first, files);
  for (const char* key : {"response", "backendRequest", "bypassed", "assumptions", "nearMisses"})
    if (top.contains(key)) j[key] = top[key];
  return j;
}

// Texts that are no UTF-8 must not stop a report.
std::string dump(const Json& j) { return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string status_text(scenarios::CaseResult::Status s) {
  using Status = scenarios::CaseResult::Status;
  return s == Status::Passed ? "passed" : s == Status::Failed ? "failed" : "skipped";
}

}  // namespace

std::string trace_json(const sim::Verdict& verdict, const model::SourceFiles& files) {
  return dump(verdict_json(verdict, files));
}

std::string report_json(const scenarios::Report& report);
std::string report_json(const scenarios::Report& report) {
  Json j;
  j["apiVersion"] = "waypath.dev/v1";
  j["kind"] = "TestReport";
  j["summary"] = {{"passed", report.passed}, {"failed", report.failed}, {"skipped", report.skipped}};
  j["cases"] = Json::array();
  for (const auto& c : report.cases) {
    Json one;
    one["scenario"] = c.scenario;
    one["variant"] = c.variant;
    one["flow"] = c.flow;
    one["status"] = status_text(c.status);
    one["place"] = c.place;
    one["tags"] = c.tags;
    Json expected = Json::object(), predicted = Json::object();
    for (const auto& m : c.mismatches) {
      expected[m.part] = m.expected;
      predicted[m.part] = m.predicted;
    }
    if (c.expected.outcome) expected["outcome"] = *c.expected.outcome;
    predicted["outcome"] = text(sim::to_string(c.predicted.outcome));
    predicted["symptom"] = c.predicted.symptom;
    if (!c.predicted.paths.empty()) predicted["reason"] = text(c.predicted.paths.front().reason.code.text);
    one["expected"] = std::move(expected);
    one["predicted"] = std::move(predicted);
    if (!c.message.empty()) one["message"] = c.message;
    j["cases"].push_back(std::move(one));
  }
  return dump(j);
}

std::string report_sarif(const scenarios::Report& report);
std::string report_sarif(const scenarios::Report& report) {
  Json results = Json::array();
  for (const auto& c : report.cases) {
    if (c.status != scenarios::CaseResult::Status::Failed) continue;
    std::string message = c.flow + (c.variant.empty() ? "" : " (" + c.variant + ")") + ": ";
    for (const auto& m : c.mismatches)
      message += m.part + " expected " + m.expected + ", predicted " + m.predicted + "; ";
    if (c.mismatches.empty()) message += c.message;
    int line = 1;
    const auto colon = c.place.find(':', c.path.size());
    if (colon != std::string::npos && colon + 1 < c.place.size())
      line = std::max(1, std::atoi(c.place.c_str() + colon + 1));
    Json location;
    location["physicalLocation"] = {{"artifactLocation", {{"uri", c.path}}},
                                    {"region", {{"startLine", line}}}};
    results.push_back({{"ruleId", "EXPECTATION_FAILED"},
                       {"level", "error"},
                       {"message", {{"text", message}}},
                       {"locations", Json::array({location})}});
  }
  Json j;
  j["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  j["version"] = "2.1.0";
  Json driver = {{"name", "waypath"}, {"rules", Json::array({{{"id", "EXPECTATION_FAILED"}}})}};
  j["runs"] = Json::array({{{"tool", {{"driver", driver}}}, {"results", results}}});
  return dump(j);
}

}  // namespace waypath::tools
