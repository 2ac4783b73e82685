#pragma once
// The scenarios that are shipped, and every flow of them, on its cluster and on those of its variants.

#include <functional>

#include "scenarios/runner.h"

namespace waypath::tests {

/// The files of scenarios with their clusters; `visit` runs below their names.
void each_shipped_cluster(
    const std::function<void(const scenarios::Scenario&, const model::Snapshot&)>& visit);
/// `check` runs below the names of the scenario, variant and flow; it may fail.
void each_shipped_flow(
    const std::function<void(const sim::Engine&, const sim::Flow&, const sim::Assume&)>& check);

}  // namespace waypath::tests
