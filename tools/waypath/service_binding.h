#pragma once
// Which waypoint a Service has in effect (ambient-path.md section 4), by the rules that requests follow.

#include "sim/engine.h"
#include "tools/render/explanation.h"

namespace waypath::tools {

[[nodiscard]] ServiceBinding service_binding(const sim::Engine& engine, model::ServiceId service);

}  // namespace waypath::tools
