#pragma once
// Rows of a log as flows that can be simulated.

#include <optional>
#include <string>

#include "scenarios/replay/flow_table.h"
#include "sim/flow.h"

namespace waypath::scenarios {

struct RecordedFlow {
  std::string client, target;  // for the reader: "shop/deployment/cart", "GET http://orders.shop/api"
  Observer observer = Observer::SourceZtunnel;
  std::optional<sim::Flow> flow;
  std::string missing;  // without a flow: the fact that the manifests lack
};
[[nodiscard]] RecordedFlow recorded_flow(const LogNames& names, const FlowTable& table, const FlowRow& row);

}  // namespace waypath::scenarios
