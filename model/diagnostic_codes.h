#pragma once
// Codes of what can be wrong with objects; `waypath explain` prints their rows.

#include <vector>

#include "model/base/codes.h"

namespace waypath::model {

inline constexpr Code kObjectNotAnObject{"OBJECT_NOT_A_RESOURCE"};
inline constexpr Code kObjectDuplicate{"OBJECT_DUPLICATE"};
inline constexpr Code kObjectRepeated{"OBJECT_REPEATED"};
inline constexpr Code kNamespaceDefaulted{"NAMESPACE_DEFAULTED"};
inline constexpr Code kFieldType{"FIELD_TYPE"};
inline constexpr Code kFieldUnknown{"FIELD_UNKNOWN"};
inline constexpr Code kFieldInvalid{"FIELD_INVALID"};
inline constexpr Code kFieldNotModelled{"FIELD_NOT_MODELLED"};
inline constexpr Code kFieldIgnored{"FIELD_IGNORED"};
inline constexpr Code kKindNotModelled{"KIND_NOT_MODELLED"};
inline constexpr Code kKindUnknown{"KIND_UNKNOWN"};
inline constexpr Code kKindVersionUnknown{"KIND_VERSION_UNKNOWN"};
inline constexpr Code kHelmHookIgnored{"HELM_HOOK_IGNORED"};
inline constexpr Code kPolicyRefusedByWebhook{"POLICY_REFUSED_BY_WEBHOOK"};
inline constexpr Code kPolicySamePriority{"POLICY_SAME_PRIORITY"};
inline constexpr Code kMeshConfigInvalid{"MESH_CONFIG_INVALID"};
inline constexpr Code kMeshConfigSeveral{"MESH_CONFIG_SEVERAL"};
inline constexpr Code kGatewayParameters{"GATEWAY_PARAMETERS"};
inline constexpr Code kSelectorGeneratedLabel{"SELECTOR_GENERATED_LABEL"};
inline constexpr Code kChangeUnknownObject{"CHANGE_UNKNOWN_OBJECT"};
inline constexpr Code kChangeFailed{"CHANGE_FAILED"};

/// Every diagnostic code of the model, those of its readers included, sorted by code.
[[nodiscard]] std::vector<CodeInfo> diagnostic_codes();

}  // namespace waypath::model
