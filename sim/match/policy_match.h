#pragma once
// Values of AuthorizationPolicy fields: Istio's string syntax, path templates, and paths as proxies normalise
// them before matching.

#include <cstdint>
#include <string>
#include <string_view>

#include "model/istio/mesh_config.h"

namespace waypath::sim {

/// "*" present, "*x" suffix, "x*" prefix, else exact. Source: istio
/// pilot/pkg/security/authz/matcher/string.go StringMatcher
[[nodiscard]] bool match_value(std::string_view pattern, std::string_view text, bool ignore_case = false);

/// The same, taken apart once.
class ValueMatch {
 public:
  enum class Kind : std::uint8_t { Exact, Prefix, Suffix, Present };
  ValueMatch() = default;
  explicit ValueMatch(std::string_view pattern, bool ignore_case = false);
  [[nodiscard]] static ValueMatch exact(std::string_view text);
  [[nodiscard]] bool matches(std::string_view text) const;  // ignore_case: give the text in lower case
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  Kind kind_ = Kind::Exact;
  std::string text_;
};

/// Whether a path value is a template ({*}, {**}), and the regular expression that a template stands for.
/// Source: istio pilot/pkg/security/authz/matcher/template.go; envoy source/extensions/path/uri_template_lib
[[nodiscard]] bool is_path_template(std::string_view value);
[[nodiscard]] std::string path_template_regex(std::string_view value);

/// User text inside a generated expression: escaped, and each star as `star` when that is not empty.
/// Source: istio pilot/pkg/security/authz/model/generator.go (regexp.QuoteMeta)
[[nodiscard]] std::string quoted_regex(std::string_view text, std::string_view star = {});
/// As releases before the escaping was added put it into the expression: the text itself, stars as `star`.
[[nodiscard]] std::string unquoted_regex(std::string_view text, std::string_view star = {});
/// Whether the text means something else when it is read as an expression.
[[nodiscard]] bool has_regex_syntax(std::string_view text);

/// The path without query and fragment, as meshConfig.pathNormalization makes the proxies see it.
/// Source: istio pilot/pkg/networking/core/listener_builder.go; envoy source/common/http/path_utility.cc
[[nodiscard]] std::string normalized_path(std::string_view path, model::PathNormalization mode);
/// False: a proxy that normalises paths refuses the request. Source: istio
/// tests/integration/security/normalization_test.go ("Invalid"); envoy source/common/http/path_utility.cc
[[nodiscard]] bool can_be_normalized(std::string_view path, model::PathNormalization mode);

}  // namespace waypath::sim
