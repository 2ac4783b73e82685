#pragma once
// Who reaches X, and with which requests; does any request reach X, or reach it without passing Y? Each
// answer comes with a request that shows it, or says that the model has none.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/way_search.h"

namespace waypath::scenarios {

/// Requests that all get through: of each attribute the values that may stand in any combination.
struct RequestBox {
  std::vector<std::vector<std::size_t>> values;  // by attribute; positions, sorted
};
/// Covers the choices with as few boxes as a greedy walk finds, the plainest first. Grows with the choices
/// times the values.
[[nodiscard]] std::vector<RequestBox> boxes_of(const RequestClasses& classes,
                                               const std::vector<RequestChoice>& choices);

struct AskReport {
  enum class Verdict : std::uint8_t {
    Some,       // a request does: see `rows`
    None,       // none does, and every class was tried
    Undecided,  // none does for certain; a fact that the manifests do not tell decides some
    Unproven    // none does of those tried, and some were not tried
  } verdict = Verdict::None;
  AskTarget target;
  std::vector<GuardPoint> avoiding;
  WaySearch search;
  struct Row {
    std::size_t way = 0;  // position in search.ways
    std::vector<RequestBox> boxes;
  };
  std::vector<Row> rows;  // ways by which requests reach the target, in the order of clients and addresses
};

[[nodiscard]] AskReport run_ask(const sim::Engine& engine, AskTarget target, std::vector<GuardPoint> avoiding,
                                const ClientFilter& keep, SearchOptions options);

/// The condition of `--from`: "internet", an address outside, a namespace, "ns/name" (with *),
/// "ns/deploy/name", "node/NAME". Narrows a class to what fits. Nullopt: `error` says why.
[[nodiscard]] std::optional<ClientFilter> client_filter(const model::Cluster& cluster,
                                                        const std::string& text, std::string& error);

}  // namespace waypath::scenarios
