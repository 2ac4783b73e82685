#pragma once
// Does every way to X pass Y? By the graph (what the topology allows) and by simulation (what policies leave
// open of it).

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/way_search.h"

namespace waypath::scenarios {

/// What the graph alone says of a proxy as guard point.
struct GuardGraph {
  bool asked = false;               // Y is a proxy of the graph
  bool entered = false;             // gateways or published Services lead to the target
  bool dominates = false;           // Y is on each way from outside to it
  std::vector<std::string> around;  // the shortest way from outside that is not by Y: vertices
  std::vector<std::string> always;  // proxies that every open way passes, client and target left out
};

struct GuardReport {
  enum class Verdict : std::uint8_t {
    Guarded,    // no request gets around
    Bypass,     // one does
    Undecided,  // a fact that the manifests do not tell decides whether one does
    Unproven,   // none does of those tried, and some were not tried
    Unreached   // no request reaches the target at all
  } verdict = Verdict::Guarded;
  AskTarget target;
  std::vector<GuardPoint> points;
  GuardGraph graph;
  WaySearch search;
  /// What a node's own processes send is no finding: kubelet's probes have to reach the pod, and nothing in a
  /// cluster puts a waypoint before them.
  [[nodiscard]] bool exempt(const Way& way) const {
    return search.clients[way.client].kind == ClientClass::Kind::Node;
  }
};

[[nodiscard]] GuardReport run_guard(const sim::Engine& engine, AskTarget target,
                                    std::vector<GuardPoint> points, SearchOptions options);

}  // namespace waypath::scenarios
