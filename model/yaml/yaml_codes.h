#pragma once
// Codes of what can be wrong with the text of an input, before anything knows which object it is.

#include <span>

#include "model/base/codes.h"

namespace waypath::model::yaml {

inline constexpr Code kInputMissing{"INPUT_MISSING"};
inline constexpr Code kInputUnreadable{"INPUT_UNREADABLE"};
inline constexpr Code kInputNoManifests{"INPUT_NO_MANIFESTS"};
inline constexpr Code kInputNotText{"INPUT_NOT_TEXT"};
inline constexpr Code kInputTemplate{"INPUT_TEMPLATE"};
inline constexpr Code kYamlSyntax{"YAML_SYNTAX"};
inline constexpr Code kYamlTag{"YAML_TAG"};
inline constexpr Code kYamlKey{"YAML_KEY"};
inline constexpr Code kDuplicateKey{"DUPLICATE_KEY"};
inline constexpr Code kYamlMergeKey{"YAML_MERGE_KEY"};
inline constexpr Code kYamlAlias{"YAML_ALIAS"};
inline constexpr Code kTooDeep{"INPUT_TOO_DEEP"};
inline constexpr Code kScalarTooLarge{"INPUT_SCALAR_TOO_LARGE"};
inline constexpr Code kJsonSyntax{"JSON_SYNTAX"};

/// The rows of these codes for the table of the model (`waypath explain`).
[[nodiscard]] std::span<const CodeInfo> input_codes();

}  // namespace waypath::model::yaml
