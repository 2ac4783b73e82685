#pragma once
// The only place that knows what the client sees: (what failed, where, who waits) -> words of design, HTTP
// status, log texts. Rows F1 to F46 of ambient-path section 11.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/verdict.h"

namespace waypath::sim {

/// What went wrong, before it is known how the client learns of it.
struct Failure {
  enum class Kind : std::uint8_t {
    None,
    Drop,             // packets of a leg vanish
    Reject,           // packets of a leg are answered with a refusal by the CNI
    Refuse,           // the receiving end of a leg closes the connection: L4 policy, STRICT, TLS mismatch
    Answer,           // an Envoy answers with an HTTP status of its own
    NoUpstream,       // the sender has no endpoint to send to
    UnknownWaypoint,  // the sender has a waypoint without an endpoint
    NoPort,           // the service has no such port
    NotListening,     // nothing listens there: the first connection attempt is refused
    Closed,           // accepted, then closed
    NameUnknown,      // the name does not exist
    NameBlocked,      // the name server cannot be reached
    Unanswered        // no policy, but nobody answers (no local endpoint, unserved VIP port)
  } kind = Kind::None;
  int status = 0;        // Answer
  std::string flag;      // Answer: Envoy's response flag ("NR", "UAEX"), may be empty
  std::string redirect;  // Answer: Location
  std::string delay;     // Answer: "after 10s" when it took that long
  std::string log;       // what the refusing end logs, when it is not the usual text
};

/// A hop as far as symptoms depend on it.
struct SymptomHop {
  HopKind kind = HopKind::Client;
  bool answers_http = false;  // an Envoy that turns upstream failures into HTTP answers
  int connect_attempts = 1;   // of its route for refused or unanswered plain connections (F44)
  std::string name;           // "waypoint authservice/authservice-waypoint"
};

/// Where a failure happened. `sender` indexes `hops`: the hop whose outgoing connection failed, or that
/// answers itself.
struct FailurePlace {
  std::vector<SymptomHop> hops;
  std::size_t sender = 0;
  Transport transport = Transport::Plaintext;  // of the failing connection
  std::string connect_timeout = "10s";         // of mesh config: Envoy's
  bool hint_hbone = true;                      // ztunnel's timeout text names port 15008
  bool source_captured = false;                // the sender of the failing connection is a ztunnel
};

struct Symptom {
  std::string text;                // "http 503 UC after 10s"
  int status = 0;                  // of the HTTP answer, 0 when there is none
  std::vector<std::string> notes;  // log lines to look for
};
[[nodiscard]] Symptom symptom_of(const Failure& failure, const FailurePlace& place);

/// The symptom of a request that arrived.
inline constexpr std::string_view kReachesAppText = "reaches app";

/// "10s" times 3 is "30s"; texts that are no whole seconds or milliseconds keep their form with a factor.
[[nodiscard]] std::string multiply_duration(std::string_view text, int factor);

}  // namespace waypath::sim
