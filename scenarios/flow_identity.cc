#include "scenarios/flow_identity.h"

#include "scenarios/shard/archive.h"

// Each field is named here, so that one that comes to a flow and is forgotten does not compile.
namespace waypath::sim {
namespace {

using scenarios::ArchiveWriter;

void write(ArchiveWriter& a, const std::map<std::string, Claim, std::less<>>& claims);

void write(ArchiveWriter& a, const Claim& claim) {
  const auto& [kind, text, list, object] = claim;
  a(kind, text, list);
  write(a, object);
}

void write(ArchiveWriter& a, const std::map<std::string, Claim, std::less<>>& claims) {
  a(claims.size());
  for (const auto& [name, claim] : claims) {
    a(name);
    write(a, claim);
  }
}

void write(ArchiveWriter& a, const Token& token) {
  const auto& [state, issuer, subject, audiences, claims, complete, raw, where, name, prefix] = token;
  a(state, issuer, subject, audiences, complete, raw, where, name, prefix);
  write(a, claims);
}

void write(ArchiveWriter& a, const Flow& flow) {
  const auto& [name, from, to, protocol, method, headers, tokens, session, session_token, sni, source_ip,
               connect_to, tunnel] = flow;
  (void)name;
  a(from, to, protocol, method, headers, session, sni, connect_to, tunnel, tokens.size());
  for (const Token& token : tokens) write(a, token);
  a(session_token.has_value(), source_ip ? source_ip->to_string() : std::string());
  if (session_token) write(a, *session_token);
}

}  // namespace
}  // namespace waypath::sim

namespace waypath::scenarios {

std::string flow_identity(const sim::Flow& flow) {
  ArchiveWriter writer;
  sim::write(writer, flow);
  return writer.take();
}

}  // namespace waypath::scenarios
