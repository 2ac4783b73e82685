#pragma once
// Codes, version differences and places of enforcement, as text or JSON.

#include <string>
#include <vector>

#include "model/base/codes.h"
#include "model/istio/profile.h"
#include "sim/verdict.h"

namespace waypath::tools {

/// One line a code, grouped by kind.
[[nodiscard]] std::string codes_text(const std::vector<model::CodeInfo>& codes);
[[nodiscard]] std::string code_text(const model::CodeInfo& code);
[[nodiscard]] std::string codes_json(const std::vector<model::CodeInfo>& codes);

/// What one version does otherwise than another.
struct VersionDifference {
  const model::FeatureInfo* feature;
  bool gained;  // the newer one has it
};
[[nodiscard]] std::vector<VersionDifference> version_differences(model::IstioVersion from,
                                                                 model::IstioVersion to);
[[nodiscard]] std::string versions_text(model::IstioVersion from, model::IstioVersion to);
[[nodiscard]] std::string versions_json(model::IstioVersion from, model::IstioVersion to);

/// A line with remarks below it.
struct ExplainedItem {
  std::string text;
  std::vector<std::string> notes;
};

/// Where a policy is enforced, what it comes to there, and where it looks as if it were and is not.
struct Enforcement {
  std::string object, place;  // "AuthorizationPolicy/a/b", "file:line"
  struct At {
    std::string where;               // "ztunnel of a/b"
    std::vector<std::string> notes;  // what the proxy makes of it; empty: as written
  };
  std::vector<At> enforced;
  struct Not {
    std::string where, why, place;
  };
  std::vector<Not> not_enforced;
  struct Condition {
    std::string type, reason, message;
    bool status = false;
  };
  std::vector<Condition> conditions;    // as istiod writes them into the status
  std::vector<ExplainedItem> findings;  // of lint, about the object
};
[[nodiscard]] std::string enforcement_text(const Enforcement& enforcement);
[[nodiscard]] std::string enforcement_json(const Enforcement& enforcement);

/// Which waypoint serves a Service, for clients in the mesh and for gateways, and why.
struct ServiceBinding {
  std::string object, place;     // "Service/a/b", "file:line"
  std::string waypoint, state;   // "ns/name" that the labels name, "" for none; "bound", "missing", ...
  std::string why, why_place;    // the rule that decided, at its label or listener
  bool gateways_use_it = false;  // istio.io/ingress-use-waypoint, in effect
  std::string gateways, gateways_place;
  struct Pod {
    std::string name;
    bool ready = false;
  };
  std::vector<Pod> pods;  // of the waypoint, when bound
  std::vector<std::string> assumptions;
  std::vector<ExplainedItem> findings;  // of lint, about the object
};
[[nodiscard]] std::string binding_text(const ServiceBinding& binding);
[[nodiscard]] std::string binding_json(const ServiceBinding& binding);

/// What there is to say of one object of the cluster: titled lists, each line with remarks below it.
struct ObjectExplanation {
  std::string object, place;  // "Gateway/a/b", "file:line"
  using Item = ExplainedItem;
  struct Section {
    std::string title, key;  // for people, and the key in JSON
    std::string none;        // said when there are no items; empty: the section is left out
    std::vector<Item> items;
  };
  std::vector<Section> sections;
};
[[nodiscard]] std::string object_text(const ObjectExplanation& explanation);
[[nodiscard]] std::string object_json(const ObjectExplanation& explanation);

}  // namespace waypath::tools
