#include "tools/render/json.h"

#include <nlohmann/json.hpp>

#include "model/base/version.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;

// Invalid UTF-8 is replaced: the reader of manifests refuses it, headers from the command line may hold it.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

Json object_json(const sim::ObjectAt& o, const model::SourceFiles& files) {
  Json j;
  j["kind"] = o.key.kind.view();
  if (!o.key.group.empty()) j["group"] = o.key.group.view();
  if (!o.key.ns.empty()) j["namespace"] = o.key.ns.view();
  j["name"] = o.key.name.view();
  if (o.pos.known()) {
    j["file"] = files.path(o.pos.file);
    j["line"] = o.pos.line;
  }
  if (o.rule >= 0) {
    j["rule"] = o.rule;
    if (!o.section.empty()) j["section"] = o.section;
  }
  return j;
}

Json objects_json(const std::vector<sim::ObjectAt>& objects, const model::SourceFiles& files) {
  Json out = Json::array();
  for (const auto& o : objects)
    if (!o.key.name.empty()) out.push_back(object_json(o, files));
  return out;
}

void put_by(Json& j, const sim::Reason& reason, const model::SourceFiles& files) {
  if (reason.by && !reason.by->key.name.empty()) j["by"] = object_json(*reason.by, files);
}

Json node_json(const sim::TraceNode& node, const model::SourceFiles& files, const char* direction = nullptr) {
  Json j;
  if (direction != nullptr) j["direction"] = direction;
  j["layer"] = node.layer;
  j["decision"] = to_string(node.decision);
  j["reason"] = node.reason.code.text;
  if (!node.reason.detail.empty()) j["detail"] = node.reason.detail;
  put_by(j, node.reason, files);
  if (!node.children.empty()) {
    Json children = Json::array();
    for (const auto& child : node.children) children.push_back(node_json(child, files));
    j["children"] = std::move(children);
  }
  return j;
}

Json hop_json(const sim::HopResult& hop, const model::SourceFiles& files) {
  Json j;
  j["kind"] = to_string(hop.kind);
  if (!hop.ns.empty()) j["namespace"] = hop.ns;
  j["name"] = hop.name;
  if (!hop.pod.empty()) j["pod"] = hop.pod;
  j["identity"] = hop.identity.present() ? Json(hop.identity.principal) : Json(nullptr);
  j["seenPeer"] = hop.seen_peer.present() ? Json(hop.seen_peer.principal) : Json(nullptr);
  j["decision"] = to_string(hop.decision);
  j["decisions"] = Json::array();
  for (const auto& node : hop.decisions) j["decisions"].push_back(node_json(node, files));
  return j;
}

Json leg_json(const sim::PathVerdict& path, std::size_t index, const model::SourceFiles& files) {
  const auto& leg = path.legs[index];
  Json j;
  j["from"] = scenarios::hop_name(path.hops[leg.from]);
  j["to"] = leg.auxiliary ? leg.destination : scenarios::hop_name(path.hops[leg.to]);
  j["fromHop"] = leg.from;
  if (leg.auxiliary) {
    j["auxiliary"] = true;
    j["purpose"] = leg.purpose;
  } else {
    j["toHop"] = leg.to;
  }
  j["transport"] = to_string(leg.transport);
  j["protocol"] = leg.protocol;
  j["source"] = leg.source;
  j["destination"] = leg.destination;
  j["wirePort"] = leg.wire_port;
  j["innerPort"] = leg.inner_port;
  j["reached"] = leg_reached(path, index);
  j["decision"] = to_string(leg.decision);
  j["decisions"] = Json::array();
  for (const auto& node : leg.egress) j["decisions"].push_back(node_json(node, files, "egress"));
  for (const auto& node : leg.ingress) j["decisions"].push_back(node_json(node, files, "ingress"));
  return j;
}

Json response_json(const sim::Response& response) {
  Json j;
  j["status"] = response.status == 0 ? Json(nullptr) : Json(response.status);
  j["redirect"] = response.redirect.empty() ? Json(nullptr) : Json(response.redirect);
  j["answeredBy"] = response.answered_by.empty() ? Json(nullptr) : Json(response.answered_by);
  return j;
}

Json backend_json(const std::optional<sim::BackendRequest>& request) {
  if (!request) return nullptr;
  Json j;
  j["host"] = request->host;
  j["path"] = request->path;
  Json headers = Json::object();
  for (const auto& [name, value] : request->headers) {
    // A header that is set several times is a list.
    if (!headers.contains(name)) {
      headers[name] = value;
    } else if (headers[name].is_array()) {
      headers[name].push_back(value);
    } else {
      headers[name] = Json::array({headers[name], value});
    }
  }
  j["headers"] = std::move(headers);
  j["removedHeaders"] = request->removed_headers;
  j["port"] = request->port;
  return j;
}

Json assumptions_json(const std::vector<sim::Assumption>& assumptions, const model::SourceFiles& files) {
  Json out = Json::array();
  for (const auto& a : assumptions) {
    Json j;
    j["code"] = a.code.text;
    j["detail"] = a.detail;
    if (a.pos.known()) {
      j["file"] = files.path(a.pos.file);
      j["line"] = a.pos.line;
    }
    out.push_back(std::move(j));
  }
  return out;
}

Json near_misses_json(const std::vector<sim::NearMiss>& misses, const model::SourceFiles& files) {
  Json out = Json::array();
  for (const auto& m : misses) {
    Json j;
    j["object"] = object_json(m.object, files);
    j["detail"] = m.detail;
    out.push_back(std::move(j));
  }
  return out;
}

// What a path and the flow as a whole have in common.
void put_judgement(Json& j, const sim::PathVerdict& path, const model::SourceFiles& files) {
  j["reason"] = path.reason.code.text;
  j["detail"] = path.reason.detail;
  j["by"] = path.reason.by && !path.reason.by->key.name.empty() ? object_json(*path.reason.by, files)
                                                                : Json(nullptr);
  j["deciders"] = objects_json(path.deciders, files);
}

void put_rest(Json& j, const sim::PathVerdict& path, const model::SourceFiles& files) {
  j["response"] = response_json(path.response);
  j["backend"] = path.backend.empty() ? Json(nullptr) : Json(path.backend);
  j["backendRequest"] = backend_json(path.backend_request);
  j["bypassed"] = path.bypassed;
  j["bypassCauses"] = objects_json(path.bypass_causes, files);
  j["assumptions"] = assumptions_json(path.assumptions, files);
  j["nearMisses"] = near_misses_json(path.near_misses, files);
  j["missingFacts"] = path.missing_facts;
  j["notes"] = path.notes;
}

Json path_json(const sim::PathVerdict& path, const model::SourceFiles& files) {
  Json j;
  j["outcome"] = to_string(path.outcome);
  j["symptom"] = path.symptom;
  j["share"] = path.share;
  put_judgement(j, path, files);
  j["decidedAtHop"] = path.decided_at_hop ? Json(*path.decided_at_hop) : Json(nullptr);
  j["decidedAtLeg"] = path.decided_at_leg ? Json(*path.decided_at_leg) : Json(nullptr);
  j["hops"] = Json::array();
  for (const auto& hop : path.hops) j["hops"].push_back(hop_json(hop, files));
  j["legs"] = Json::array();
  for (std::size_t i = 0; i < path.legs.size(); ++i) j["legs"].push_back(leg_json(path, i, files));
  put_rest(j, path, files);
  return j;
}

// ---- reports ----

const char* status_word(scenarios::CaseResult::Status status) {
  switch (status) {
    case scenarios::CaseResult::Status::Passed:
      return "passed";
    case scenarios::CaseResult::Status::Failed:
      return "failed";
    case scenarios::CaseResult::Status::Skipped:
      return "skipped";
  }
  return "";
}

Json expected_json(const scenarios::Expectation& e) {
  Json j = Json::object();
  if (e.outcome) j["outcome"] = *e.outcome;
  if (e.symptom) j["symptom"] = *e.symptom;
  if (e.reason) j["reason"] = *e.reason;
  if (!e.by.empty()) j["by"] = e.by;
  if (e.rule) j["rule"] = *e.rule;
  if (!e.via.empty()) j["via"] = e.via;
  if (!e.not_via.empty()) j["notVia"] = e.not_via;
  if (e.identity) j["identity"] = *e.identity;
  if (e.backend) j["backend"] = *e.backend;
  if (e.bypassed_text) {
    j["bypassed"] = *e.bypassed_text;
  } else if (e.bypassed) {
    j["bypassed"] = *e.bypassed;
  }
  for (const auto& leg : e.legs) {
    Json l = Json::object();
    if (leg.from) l["from"] = *leg.from;
    if (leg.to) l["to"] = *leg.to;
    if (leg.transport) l["transport"] = *leg.transport;
    if (leg.port) l["port"] = *leg.port;
    j["legs"].push_back(std::move(l));
  }
  return j;
}

Json predicted_json(const scenarios::CaseResult& c) {
  if (c.predicted.paths.empty()) return nullptr;
  const auto& path = deciding_path(c.predicted);
  Json j;
  j["outcome"] = to_string(c.predicted.outcome);
  j["symptom"] = c.predicted.symptom;
  j["reason"] = path.reason.code.text;
  j["detail"] = path.reason.detail;
  j["by"] = path.reason.by && !path.reason.by->key.name.empty() ? object_json(*path.reason.by, c.files)
                                                                : Json(nullptr);
  Json via = Json::array();
  for (const auto& hop : path.hops) via.push_back(scenarios::hop_name(hop));
  j["via"] = std::move(via);
  j["backend"] = path.backend.empty() ? Json(nullptr) : Json(path.backend);
  j["bypassed"] = path.bypassed;
  j["split"] = c.predicted.split;
  return j;
}

}  // namespace

std::string trace_json(const sim::Verdict& verdict, const model::SourceFiles& files) {
  const auto& main = deciding_path(verdict);
  Json j;
  j["apiVersion"] = kApiVersion;
  j["kind"] = "Trace";
  j["flow"] = {{"from", verdict.from}, {"to", verdict.to}};
  j["istioVersion"] = verdict.istio_version;
  j["outcome"] = to_string(verdict.outcome);
  j["symptom"] = verdict.symptom;
  put_judgement(j, main, files);
  j["split"] = verdict.split;
  j["paths"] = Json::array();
  for (const auto& path : verdict.paths) j["paths"].push_back(path_json(path, files));
  put_rest(j, main, files);
  return dump(j);
}

std::string report_json(const scenarios::Report& report) {
  Json j;
  j["apiVersion"] = kApiVersion;
  j["kind"] = "TestReport";
  j["summary"] = {{"passed", report.passed}, {"failed", report.failed}, {"skipped", report.skipped}};
  j["cases"] = Json::array();
  for (const auto& c : report.cases) {
    Json row;
    row["scenario"] = c.scenario;
    row["file"] = c.path;
    row["variant"] = c.variant.empty() ? Json(nullptr) : Json(c.variant);
    row["flow"] = c.flow;
    if (c.invariant) row["invariant"] = Json{{"checked", c.checked}, {"violations", c.violations}};
    row["tags"] = c.tags;
    row["status"] = status_word(c.status);
    row["expected"] = expected_json(c.expected);
    row["predicted"] = predicted_json(c);
    if (!c.mismatches.empty()) {
      Json mismatches = Json::array();
      for (const auto& m : c.mismatches)
        mismatches.push_back({{"part", m.part}, {"expected", m.expected}, {"predicted", m.predicted}});
      row["mismatches"] = std::move(mismatches);
    }
    if (!c.message.empty()) row["message"] = c.message;
    if (!c.place.empty()) row["place"] = c.place;
    j["cases"].push_back(std::move(row));
  }
  return dump(j);
}

}  // namespace waypath::tools
