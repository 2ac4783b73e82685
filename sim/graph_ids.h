#pragma once
// Positions in the Topology (sim/topology.h): what a path notes of the graph that it walked.

#include <array>

#include "model/cluster.h"

namespace waypath::sim {

using VertexId = model::Id<struct VertexTag>;
using EdgeId = model::Id<struct EdgeTag>;

/// The edges of one connection: to the network and from it, or the one inside a pod and an invalid one.
using Crossing = std::array<EdgeId, 2>;

}  // namespace waypath::sim
