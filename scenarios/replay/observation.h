#pragma once
// What a line of an access log tells of the outcome of a flow, and whether a prediction says the same.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "scenarios/replay/log_record.h"
#include "sim/verdict.h"

namespace waypath::scenarios {

/// Outcomes of sim::Outcome as bits.
class OutcomeSet {
 public:
  OutcomeSet() = default;
  OutcomeSet(std::initializer_list<sim::Outcome> outcomes) {
    for (const auto o : outcomes) bits_ |= bit(o);
  }
  [[nodiscard]] bool has(sim::Outcome o) const { return (bits_ & bit(o)) != 0; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] std::string text() const;  // "deny or unreachable"

 private:
  static std::uint8_t bit(sim::Outcome o) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(o));
  }
  std::uint8_t bits_ = 0;
};

/// What was seen. Predictions within `fits` agree, others within `possible` are left open, the rest disagree.
struct Observation {
  OutcomeSet fits, possible;
  int status = 0;              // of the HTTP answer
  bool from_upstream = false;  // the answer came from behind the proxy that logged it
  std::string text;            // in the log's own words: "403 rbac_access_denied_matched_policy[...]"
  std::string doubt;           // why `possible` is more than `fits`
};
[[nodiscard]] Observation observe(const LogRecord& record);

/// Who logged: what lies behind it, it does not see.
enum class Observer : std::uint8_t { SourceZtunnel, DestinationZtunnel, Gateway, Waypoint, Sidecar };
[[nodiscard]] std::string_view to_string(Observer observer);

/// A verdict as the observer of the flow would have logged it.
struct ObserverView {
  bool present = false;  // the path passes the observer
  sim::Outcome outcome = sim::Outcome::Unknown;
  int status = 0;
};
[[nodiscard]] ObserverView view_of(const sim::PathVerdict& path, Observer observer);

enum class Agreement : std::uint8_t { Agrees, Disagrees, Undetermined };
[[nodiscard]] std::string_view to_string(Agreement agreement);

struct Comparison {
  Agreement agreement = Agreement::Undetermined;
  std::string why;       // unless Agrees
  std::size_t path = 0;  // of the verdict: the one that the comparison is about
};
/// Any path of the verdict that agrees will do: a log line does not tell which one it was.
[[nodiscard]] Comparison compare(const sim::Verdict& verdict, Observer observer, const Observation& seen);

}  // namespace waypath::scenarios
