#pragma once
// Every flow of the scenarios that are shipped, on its cluster and on those of its variants.

#include <functional>

#include "scenarios/runner.h"

namespace waypath::tests {

/// `check` runs below the names of the scenario, variant and flow; it may fail.
void each_shipped_flow(
    const std::function<void(const sim::Engine&, const sim::Flow&, const sim::Assume&)>& check);

}  // namespace waypath::tests
