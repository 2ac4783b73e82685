// waypath graph [FROM TO]

#include "sim/exposure.h"
#include "sim/topology.h"
#include "tools/render/diagram.h"
#include "tools/waypath/app.h"
#include "tools/waypath/enforcement.h"

namespace waypath::tools {

int run_graph(const Options& options, const Streams& streams) {
  const bool path = !options.flow.from.empty();
  if (path && options.flow.to.empty()) {
    complain(streams, "graph: FROM is given, TO is not",
             "`waypath graph FROM TO` draws one path, `waypath graph` the topology");
    return kExitUsage;
  }
  if (!path && options.common.format == "mermaid-sequence") {
    complain(streams, "graph: a topology has no sequence", "give FROM and TO, or -o mermaid");
    return kExitUsage;
  }
  std::optional<sim::Flow> flow;
  if (path) {
    flow = flow_of(options, streams);
    if (!flow) return kExitUsage;
  }
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  std::string text;
  if (flow) {
    const auto verdict = verdict_of(*engine, *flow, options, streams);
    if (!verdict) return kExitUsage;
    text = path_diagram(*verdict, options.common.format);
  } else {
    const auto& topology = engine->topology();
    const auto layer = options.diagram.layer == "wire"  ? TopologyLayer::Wire
                       : options.diagram.layer == "all" ? TopologyLayer::All
                                                        : TopologyLayer::Intent;
    const auto picture = topology_picture(engine->cluster(), topology, enforced_at(*engine, topology), layer);
    auto out = drawn(picture, options, streams);
    if (!out) return kExitUsage;
    text = std::move(*out);
  }
  return write_data(options, streams, text) ? kExitFine : kExitUsage;
}

}  // namespace waypath::tools
