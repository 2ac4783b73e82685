#include "sim/verdict.h"

namespace waypath::sim {

std::string_view to_string(Outcome o) {
  switch (o) {
    case Outcome::Allow:
      return "allow";
    case Outcome::Deny:
      return "deny";
    case Outcome::Timeout:
      return "timeout";
    case Outcome::Unreachable:
      return "unreachable";
    case Outcome::Unknown:
      return "unknown";
  }
  return "";
}

std::string_view to_string(Decision d) {
  switch (d) {
    case Decision::NotApplicable:
      return "not applicable";
    case Decision::Allow:
      return "allow";
    case Decision::Deny:
      return "deny";
    case Decision::Drop:
      return "drop";
    case Decision::Unknown:
      return "unknown";
  }
  return "";
}

std::string_view to_string(HopKind k) {
  switch (k) {
    case HopKind::External:
      return "external";
    case HopKind::Node:
      return "node";
    case HopKind::Client:
      return "client";
    case HopKind::Gateway:
      return "gateway";
    case HopKind::Ztunnel:
      return "ztunnel";
    case HopKind::Waypoint:
      return "waypoint";
    case HopKind::Sidecar:
      return "sidecar";
    case HopKind::Application:
      return "application";
    case HopKind::Address:
      return "address";
  }
  return "";
}

std::string_view to_string(Transport t) {
  switch (t) {
    case Transport::Plaintext:
      return "plaintext";
    case Transport::Tls:
      return "TLS";
    case Transport::Hbone:
      return "HBONE";
    case Transport::Mtls:
      return "mTLS";
    case Transport::InPod:
      return "in pod";
  }
  return "";
}

}  // namespace waypath::sim
