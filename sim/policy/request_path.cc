// Requests that Envoy answers itself before any filter sees them: their path cannot be normalised.

#include "sim/match/policy_match.h"
#include "sim/policy/families.h"
#include "sim/reasons/authz.h"

namespace waypath::sim {
namespace {

class RequestPaths final : public PolicyEvaluator {
 public:
  explicit RequestPaths(ClusterPtr cluster) : cluster_(std::move(cluster)) {}
  [[nodiscard]] std::string_view name() const override { return "request path"; }

  [[nodiscard]] PolicyResult evaluate_hop(const HopContext& context, TraceRecorder* recorder) const override {
    if (!is_envoy(*context.point) || !context.point->http) return {};
    if (can_be_normalized(context.request->path, cluster_->mesh().path_normalization)) return {};
    PolicyResult r;
    r.decision = Decision::Deny;
    r.status = 400;
    r.reason = {kRequestPathRefused, std::nullopt, "%00 in the path " + context.request->path};
    if (recorder != nullptr) recorder->nodes.push_back({"request path", r.decision, r.reason, {}});
    return r;
  }

 private:
  ClusterPtr cluster_;
};

}  // namespace

std::unique_ptr<const PolicyEvaluator> compile_request_paths(ClusterPtr cluster) {
  return std::make_unique<const RequestPaths>(std::move(cluster));
}

}  // namespace waypath::sim
