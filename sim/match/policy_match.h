#pragma once
// Values of AuthorizationPolicy fields: Istio's string syntax, path templates, and paths as proxies normalise
// them before matching.

#include <string>
#include <string_view>

#include "model/istio/mesh_config.h"

namespace waypath::sim {

/// "*" present, "*x" suffix, "x*" prefix, else exact. Source: istio
/// pilot/pkg/security/authz/matcher/string.go StringMatcher
[[nodiscard]] bool match_value(std::string_view pattern, std::string_view text, bool ignore_case = false);

/// Every star stands for any text. Source: istio pilot/pkg/security/authz/model/generator.go
/// srcNamespaceGenerator
[[nodiscard]] bool match_wildcards(std::string_view pattern, std::string_view text);

/// A path value: a template when it contains {*} or {**}, else as match_value.
/// Source: istio pilot/pkg/security/authz/matcher/template.go
[[nodiscard]] bool match_path(std::string_view pattern, std::string_view path);

/// The path without query and fragment, as meshConfig.pathNormalization makes the proxies see it.
/// Source: istio pilot/pkg/networking/core/listener_builder.go; envoy source/common/http/path_utility.cc
[[nodiscard]] std::string normalized_path(std::string_view path, model::PathNormalization mode);

}  // namespace waypath::sim
