#pragma once
// One request: who sends it, to what, with which L7 attributes; and the facts that no manifest holds.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/base/ip.h"

namespace waypath::sim {

/// A claim value as far as policies can match it. Numbers and booleans keep their text and never match a
/// string.
struct Claim {
  enum class Kind : std::uint8_t { String, List, Object, Other } kind = Kind::String;
  std::string text;                                  // String, Other
  std::vector<std::string> list;                     // List: its string elements
  std::map<std::string, Claim, std::less<>> object;  // Object
};

/// A token as the client presents it.
struct Token {
  enum class State : std::uint8_t {
    Valid,
    Expired,
    NotYetValid,
    Malformed,
    BadSignature,
    Unverified
  } state = State::Valid;
  std::string issuer, subject;
  std::vector<std::string> audiences;
  std::map<std::string, Claim, std::less<>> claims;  // all others
  bool complete =
      true;         // false: only what is set is known of it (the id token of a session that nobody stated)
  std::string raw;  // as sent, when given
  enum class Where : std::uint8_t { Header, Param, Cookie } where = Where::Header;
  std::string name = "authorization", prefix = "Bearer ";  // header name and prefix, parameter or cookie name
};

using Headers = std::vector<std::pair<std::string, std::string>>;  // names lower-case, in order sent

/// The login session that a browser's cookie stands for; known to the ext_authz service alone.
enum class Session : std::uint8_t { Unstated, None, Valid, Expired, ExpiredRefreshable };

struct Flow {
  std::string name;
  std::string from;      // "ns/pod", "ns/deploy/name" (any workload kind), "internet", an IP, "node/NAME",
                         // "kubelet/NAME" (a probe)
  std::string to;        // URL or host:port as curl takes it
  std::string protocol;  // "" = by the URL: http, https, grpc, tcp, tls, udp, sctp
  std::string method = "GET";
  Headers headers;
  std::vector<Token> tokens;
  Session session = Session::Unstated;
  std::optional<Token> session_token;  // claims of the id token that a valid session yields, when stated
  std::string sni;                     // "" = host of the URL
  std::optional<model::IpAddress> source_ip;  // of an external client
  std::string connect_to;                     // dialled host:port when it differs from the URL's ("" = same)
  std::optional<std::string>
      tunnel;  // "hbone": the client itself speaks HBONE to the destination (a waypoint pod as client)
};

/// What an ext_authz provider answers, when a scenario states it.
struct ExtAuthzAnswer {
  std::map<std::string, std::string, std::less<>>
      allow_when_headers;  // header -> generic string ("session=*"); empty = never by header
  bool allow_always = false, unreachable = false;
  Headers set_headers;
  std::optional<Token> set_token;  // token that an allowed request then carries
  int else_status = 403;
  std::string else_redirect;
};

struct Assume {
  std::map<std::string, ExtAuthzAnswer, std::less<>> ext_authz;  // by provider name
  std::vector<std::string> jwks_unavailable;                     // jwksUris that cannot be fetched; "*" = all
};

/// How the CNI enforces NetworkPolicy. `generic` follows the Kubernetes API text.
enum class Cni : std::uint8_t { Generic, Calico, Cilium, Ovn };

struct SimOptions {
  Cni cni = Cni::Generic;
  std::optional<bool> ipblock_selects_pods;  // overrides the profile
  std::optional<bool> cni_rejects;           // reject instead of drop
  std::optional<bool> probe_snat_subject_to_netpol;
};

}  // namespace waypath::sim
