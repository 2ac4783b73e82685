#pragma once
// What an object of the cluster comes to: where a policy is enforced and what each proxy makes of it, which
// waypoint a Service has and why, whom a waypoint serves.

#include <array>
#include <optional>
#include <string_view>

#include "model/resource.h"
#include "sim/engine.h"
#include "sim/lint/context.h"
#include "tools/render/explanation.h"

namespace waypath::tools {

/// Kinds that `explain` tells by sections; the others have forms of their own (enforcement.h,
/// service_binding.h).
inline constexpr std::array<std::string_view, 6> kSectionKinds{
    "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy", "Gateway",
    "NetworkPolicy",      "PeerAuthentication"};

/// What lint finds about an object.
[[nodiscard]] std::vector<ExplainedItem> findings_about(const sim::Engine& engine,
                                                        const model::ResourceKey& key);

/// With what lint finds about the object. Nullopt for kinds that are not among the above.
[[nodiscard]] std::optional<ObjectExplanation> explain_object(const sim::Engine& engine,
                                                              const model::ResourceKey& key);

// One file each; nullopt: not theirs.
using Sections = std::vector<ObjectExplanation::Section>;
[[nodiscard]] std::optional<Sections> explain_istio_policy(const sim::LintContext& c,
                                                           const model::ResourceKey& key);
[[nodiscard]] std::optional<Sections> explain_network_policy(const sim::LintContext& c,
                                                             const model::ResourceKey& key);
[[nodiscard]] std::optional<Sections> explain_binding(const sim::LintContext& c,
                                                      const model::ResourceKey& key);

}  // namespace waypath::tools
