#include "sim/lint/lint.h"

#include "sim/lint/context.h"
#include "sim/lint/netpol_view.h"

namespace waypath::sim {

LintResult lint(const Engine& engine, const LintOptions& options) {
  LintContext context(engine);
  const NetpolView view(context);
  lint_network_policy_hbone(context, view);
  lint_network_policy_selectors(context, view);
  lint_network_policy_rules(context);
  lint_network_policy_pairs(context, view);
  lint_cluster_policies(context);
  lint_cluster_policy_order(context);
  lint_cni(context);
  lint_infrastructure(context);
  lint_capture(context);
  lint_waypoints(context);
  lint_waypoint_legs(context);
  lint_authorization_attachment(context);
  lint_authorization_rules(context);
  lint_authorization_identities(context);
  lint_authorization_paths(context);
  lint_authentication(context, view);
  lint_ext_authz(context);
  lint_routes(context);
  lint_services(context);
  return context.take(options);
}

}  // namespace waypath::sim
