#include "sim/symptom.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace waypath::sim {
namespace {

// Who turns the failure into something the client can see.
enum class Observer : std::uint8_t { App, Tunnel, EnvoyHttp };

struct Seen {
  Observer observer = Observer::App;
  std::size_t hop = 0;  // EnvoyHttp: which
};

bool is_envoy(HopKind kind) {
  return kind == HopKind::Gateway || kind == HopKind::Waypoint || kind == HopKind::Sidecar;
}

// The nearest hop on the client's side that answers HTTP; else whether anything accepted the client's
// connection before the failure, so that the client sees a reset instead of a failed connect (rule 0.1).
Seen observer_of(const FailurePlace& place) {
  Seen seen;
  for (std::size_t i = place.sender + 1; i-- > 0;) {
    const SymptomHop& hop = place.hops[i];
    if (is_envoy(hop.kind) && hop.answers_http) return {Observer::EnvoyHttp, i};
    if (is_envoy(hop.kind) || hop.kind == HopKind::Ztunnel) seen.observer = Observer::Tunnel;
  }
  return seen;
}

Symptom http_answer(int status, std::string_view flag, std::string_view delay) {
  Symptom symptom;
  symptom.status = status;
  symptom.text = fmt::format("http {}", status);
  if (!flag.empty()) symptom.text += fmt::format(" {}", flag);
  if (!delay.empty()) symptom.text += fmt::format(" {}", delay);
  return symptom;
}

Symptom text_only(std::string text) {
  Symptom symptom;
  symptom.text = std::move(text);
  return symptom;
}

std::string after(std::string_view duration) { return fmt::format("after {}", duration); }

// F1 to F7: silence on a leg.
Symptom drop(const FailurePlace& place, const Seen& seen) {
  const bool direct = seen.observer == Observer::EnvoyHttp && seen.hop == place.sender;
  if (seen.observer == Observer::EnvoyHttp) {
    if (place.transport == Transport::Hbone || !direct) {
      // F3, F4: the tunnel's connect gives up, which the request's stream sees as a reset; UC is not retried.
      Symptom symptom = http_answer(503, "UC", after(place.connect_timeout));
      symptom.notes.push_back(
          fmt::format("{}: access log: 503 UC "
                      "upstream_reset_before_response_started{{connection_termination}}, with a UF entry of "
                      "connect_originate before it",
                      place.hops[seen.hop].name));
      return symptom;
    }
    // F5, F44: connect failures are retried, each attempt waits for the whole connect timeout.
    const int attempts = place.hops[seen.hop].connect_attempts;
    Symptom symptom = http_answer(503, attempts > 1 ? "UF,URX" : "UF",
                                  after(multiply_duration(place.connect_timeout, attempts)));
    symptom.notes.push_back(
        fmt::format("{}: access log: 503 {} upstream_reset_before_response_started"
                    "{{connection_timeout}}",
                    place.hops[seen.hop].name, attempts > 1 ? "UF,URX" : "UF"));
    return symptom;
  }
  if (seen.observer == Observer::Tunnel) {
    // Source: istio/ztunnel src/proxy.rs CONNECTION_TIMEOUT (10 s), when the sender is a ztunnel.
    Symptom symptom =
        text_only(fmt::format("reset after {}", place.source_captured ? "10s" : place.connect_timeout));
    if (place.source_captured) {
      symptom.notes.push_back(
          place.transport == Transport::Hbone && place.hint_hbone
              ? "source ztunnel: connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: "
                "deadline has elapsed"
              : "source ztunnel: io error: deadline has elapsed");
    }
    return symptom;
  }
  return text_only("connect timeout");  // F6
}

// F8: the CNI refuses instead of dropping; also a port where nothing listens.
Symptom reject(const FailurePlace& place, const Seen& seen) {
  if (seen.observer == Observer::EnvoyHttp) {
    const bool tunnelled = place.transport == Transport::Hbone || seen.hop != place.sender;
    return http_answer(503, tunnelled ? "UC" : "UF", "");
  }
  if (seen.observer == Observer::Tunnel) {
    Symptom symptom = text_only("connection reset");
    if (place.source_captured)
      symptom.notes.push_back("source ztunnel: io error: Connection refused (os error 111)");
    return symptom;
  }
  return text_only("connection refused");
}

// F9 to F13, F23, F38: the receiving end closes the connection after accepting it.
Symptom refuse(const Failure& failure, const FailurePlace& place, const Seen& seen) {
  Symptom symptom =
      seen.observer == Observer::EnvoyHttp ? http_answer(503, "UC", "") : text_only("connection reset");
  if (!failure.log.empty()) symptom.notes.push_back(failure.log);
  if (place.source_captured && place.transport == Transport::Hbone)
    symptom.notes.push_back("source ztunnel: http status: 401 Unauthorized");
  if (seen.observer == Observer::EnvoyHttp)
    symptom.notes.push_back(
        fmt::format("{}: access log: 503 UC (or UF), at once", place.hops[seen.hop].name));
  return symptom;
}

// F14, F15, F20: nobody to send to.
Symptom no_upstream(const Failure& failure, const FailurePlace& place, const Seen& seen) {
  if (seen.observer == Observer::EnvoyHttp) {
    const bool direct = seen.hop == place.sender;
    Symptom symptom = http_answer(503, direct ? "UH" : "UC", "");
    if (direct)
      symptom.notes.push_back(
          fmt::format("{}: access log: 503 UH no_healthy_upstream", place.hops[seen.hop].name));
    return symptom;
  }
  if (seen.observer == Observer::Tunnel) {
    Symptom symptom = text_only("connection reset");
    if (place.hops[place.sender].kind == HopKind::Ztunnel)
      symptom.notes.push_back(failure.kind == Failure::Kind::UnknownWaypoint
                                  ? "source ztunnel: connection failed: unknown waypoint"
                                  : "source ztunnel: connection failed: no healthy upstream");
    return symptom;
  }
  return text_only("connection refused");  // kube-proxy refuses for a service without endpoints
}

std::optional<std::pair<long, std::string_view>> whole_number(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return std::pair{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

}  // namespace

std::string multiply_duration(std::string_view text, int factor) {
  if (factor == 1) return std::string(text);
  const auto number = whole_number(text);
  if (number && (number->second == "s" || number->second == "ms" || number->second == "m"))
    return fmt::format("{}{}", number->first * factor, number->second);
  return fmt::format("{} times {}", factor, text);
}

Symptom symptom_of(const Failure& failure, const FailurePlace& place) {
  const Seen seen = observer_of(place);
  switch (failure.kind) {
    case Failure::Kind::None:
      return text_only(std::string(kReachesAppText));
    case Failure::Kind::Drop:
      return drop(place, seen);
    case Failure::Kind::Unanswered: {
      Symptom symptom = drop(place, seen);
      symptom.notes.clear();  // nothing on the way logs a NetworkPolicy hint that would be true
      return symptom;
    }
    case Failure::Kind::Reject:
      return reject(place, seen);
    case Failure::Kind::NotListening:
      return reject(place, seen);
    case Failure::Kind::Refuse:
      return refuse(failure, place, seen);
    case Failure::Kind::Answer: {
      Symptom symptom = http_answer(failure.status, failure.flag, failure.delay);
      if (!failure.redirect.empty())
        symptom.text = fmt::format("http {} {}", failure.status, failure.redirect);
      if (!failure.log.empty()) symptom.notes.push_back(failure.log);
      return symptom;
    }
    case Failure::Kind::NoUpstream:
    case Failure::Kind::UnknownWaypoint:
      return no_upstream(failure, place, seen);
    case Failure::Kind::NoPort:  // F16, F17
      if (seen.observer == Observer::App) return text_only("connect timeout or refused");
      return no_upstream(failure, place, seen);
    case Failure::Kind::Closed:
      if (seen.observer == Observer::EnvoyHttp && seen.hop != place.sender) return http_answer(503, "UC", "");
      return text_only("connection reset");
    case Failure::Kind::NameUnknown:
      return text_only("dns NXDOMAIN");
    case Failure::Kind::NameBlocked:
      return text_only("dns failure");
  }
  return {};
}

}  // namespace waypath::sim
