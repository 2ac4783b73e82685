#pragma once
// Objects that Helm makes beside a release.

#include <string_view>

#include "model/yaml/node.h"

namespace waypath::model {

/// Whether a Helm hook is gone again when its release stands: what runs and ends, what a delete policy takes
/// away, and hooks of other moments than installing and upgrading. Others stay in the cluster as they are,
/// and whatever was read from a cluster is there. Source: helm.sh/docs/topics/charts_hooks (hook resources
/// are not managed with the release; hook-delete-policy, before-hook-creation is the default)
[[nodiscard]] bool passing_hook(const yaml::Node& metadata, std::string_view kind);

}  // namespace waypath::model
