#pragma once
// A scenario file whose expectations are today's predictions.

#include <string>
#include <vector>

#include "scenarios/scenario.h"
#include "sim/engine.h"

namespace waypath::scenarios {

struct RecordHeader {
  std::string name;
  std::vector<std::string> manifests;  // as the file is to name them
  std::string istio_version, cni;      // "" = not stated
};

/// YAML, by target; clients whose requests come out alike stand together, one a line, and so do targets that
/// all of them ask alike: a change of one verdict moves a line. What the manifests do not tell is recorded as
/// `unknown`. Flows are asked by their ends and method alone.
[[nodiscard]] std::string record_scenario(const sim::Engine& engine, const std::vector<sim::Flow>& flows,
                                          const RecordHeader& header, unsigned jobs);

/// The same for the flows of a scenario in its own cluster, which the text includes: an expectation a flow,
/// by its name; what the flow itself expects does not count. `included` is the file as the text is to name
/// it.
[[nodiscard]] std::string record_flows(const sim::Engine& engine, const Scenario& scenario,
                                       const std::string& name, const std::string& included, unsigned jobs);

}  // namespace waypath::scenarios
