#pragma once
// A cluster from text, judged at one enforcement point.

#include <memory>
#include <string>
#include <string_view>

#include "model/cluster.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::tests {

struct AuthzWorld {
  /// `version` empty: the newest known.
  explicit AuthzWorld(const std::string& yaml, const std::string& version = {});
  std::shared_ptr<const model::Cluster> cluster;
  sim::EvaluatorTable table;
  sim::TraceRecorder trace;  // of the last judgement

  sim::PolicyResult judge(const sim::PolicyPoint& point, sim::RequestState& request);
  sim::Decision decide(const sim::PolicyPoint& point, sim::RequestState request) {
    return judge(point, request).decision;
  }
};

/// Points of pods labelled app=web in namespace shop.
[[nodiscard]] sim::PolicyPoint ztunnel_point();
[[nodiscard]] sim::PolicyPoint sidecar_point(bool http = true);
[[nodiscard]] sim::PolicyPoint gateway_api_point(std::string_view ns, std::string_view name);
[[nodiscard]] sim::PolicyPoint waypoint_point(const AuthzWorld& world, std::string_view ns,
                                              std::string_view name, std::string_view service = {});

/// GET http://web.shop/ on port 8080 from shop/frontend at 10.0.0.1.
[[nodiscard]] sim::RequestState request_from(std::string_view ns = "shop",
                                             std::string_view service_account = "frontend");
[[nodiscard]] sim::RequestState plaintext_request();
[[nodiscard]] sim::Token token_of(std::string issuer, std::string subject);

/// One AuthorizationPolicy in `ns`, `spec` in flow style.
[[nodiscard]] std::string authorization_policy(std::string_view name, std::string_view spec,
                                               std::string_view ns = "shop");

}  // namespace waypath::tests
