// The file to read first: how a cluster becomes verdicts.

#include "sim/engine.h"

#include "sim/exposure.h"
#include "sim/topology.h"

namespace waypath::sim {

Engine::~Engine() = default;

std::shared_ptr<const Engine> Engine::build(std::shared_ptr<const model::Cluster> cluster,
                                            const SimOptions& options, model::Diagnostics& diagnostics) {
  std::shared_ptr<Engine> engine(new Engine());
  engine->options_ = options;
  engine->cluster_ = std::move(cluster);
  // From here on: the cluster is const, and everything below keeps references into it.
  engine->routes_ = RouteTables::build(*engine->cluster_);
  // From here on: hosts, listeners and rules are resolved; a request is matched, not searched for.
  engine->policies_ = compile_policies(engine->cluster_, options, diagnostics);
  // From here on: policies are matchers. Nothing below parses text, takes a lock or writes to the engine.
  engine->exposure_ = std::make_unique<const Exposure>(*engine->cluster_);
  engine->topology_ = Topology::build(*engine->cluster_, *engine->exposure_);
  // From here on: who can open a connection to whom is a graph.
  return engine;
}

// Then, for each flow: build_paths (sim/path/path_builder.cc) walks that graph and fixes hops, legs, wire
// ports and identities; simulate (sim/simulate.cc) lets the policies judge them in order and asks
// sim/symptom.cc what the client sees.

}  // namespace waypath::sim
