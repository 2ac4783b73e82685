#pragma once
// Every kind of client times every address of a target times every class of request: which reach it, which of
// them without passing a given point, and who stops the rest. Grows with classes, not with pods.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/ask_target.h"
#include "scenarios/client_classes.h"
#include "scenarios/guard_point.h"
#include "scenarios/request_classes.h"
#include "sim/engine.h"

namespace waypath::scenarios {

/// What one request comes to. A request with several paths may be several of these.
struct WayAnswer {
  bool leads = false;                                    // a path of it ends in the target
  bool around = false;                                   // reaches it, past none of the points
  bool through = false;                                  // reaches it, past one of them
  bool unknown_around = false, unknown_through = false;  // a fact decides that the manifests do not tell
};

/// A request with the path that makes it worth telling.
struct WayFinding {
  sim::Flow flow;
  RequestChoice choice;
  sim::PathVerdict path;
};

/// A client class at an address.
struct Way {
  std::size_t client = 0, address = 0;  // positions in the search's lists
  RequestClasses classes;
  std::size_t tried = 0;                                      // requests simulated
  bool complete = true;                                       // every class was tried, or enough was found
  std::optional<WayFinding> around, through;                  // the plainest that gets through
  std::optional<WayFinding> unknown_around, unknown_through;  // the plainest that is undecided
  std::optional<WayFinding> refused_around, refused_through;  // the plainest that is stopped on its way
  std::optional<sim::Reason> no_path;  // of the plain request, when no request's path leads to the target
  std::string not_sent;  // why a request could not be simulated at all: then nothing is proved of the way
  std::vector<std::pair<RequestChoice, WayAnswer>> answers;  // SearchOptions::all: of every class
  [[nodiscard]] bool leads() const;
};

struct SearchOptions {
  std::vector<GuardPoint> points;  // passing one of them counts as passed; may be empty: all is around
  RequestConstraint constraint;
  bool all = false;              // false: a way is done with its first request around the points
  std::size_t budget = 100'000;  // requests simulated, over all ways
  unsigned jobs = 0;
};

struct WaySearch {
  std::vector<ClientClass> clients;
  std::vector<TargetAddress> addresses;
  std::vector<Way> ways;              // in order of client, then address; those that can be dialled
  std::vector<std::string> left_out;  // what was not tried: sorted, each once
  std::size_t tried = 0;              // requests simulated
  std::vector<RouteHosts> routes;     // that `addresses` point into
  WaySearch() = default;
  WaySearch(WaySearch&&) = default;
  WaySearch& operator=(WaySearch&&) = default;
  [[nodiscard]] bool complete() const { return left_out.empty(); }
};

/// Leaves clients out, and may narrow the others to some of their members.
using ClientFilter = std::function<bool(ClientClass&)>;

/// `keep` may be null: all clients.
[[nodiscard]] WaySearch search_ways(const sim::Engine& engine, const AskTarget& target,
                                    const ClientFilter& keep, const SearchOptions& options);

/// Calls `fn` with every choice, the plain one first, then those that differ from it in one attribute, in
/// two,
/// ... ; false from it ends the walk.
void each_choice(const RequestClasses& classes, const std::function<bool(const RequestChoice&)>& fn);

}  // namespace waypath::scenarios
