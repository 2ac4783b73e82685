#include "sim/policy/condition_words.h"

#include <array>
#include <vector>

#include "model/base/edit_distance.h"
#include "sim/policy/request_values.h"

namespace waypath::sim {

std::string list_values(const model::PolicyValues& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && i < 4; ++i)
    out.append(i == 0 ? "" : ", ").append(values[i].text);
  if (values.size() > 4) out.append(", ... ").append(std::to_string(values.size())).append(" in all");
  return out;
}

std::string negated_name(std::string_view name) {
  if (name.find('.') != std::string_view::npos) return std::string(name) + " (notValues)";
  std::string out(name);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return "not" + out;
}

std::string request_side(const Condition& c, const PolicyRequest& view) {
  const RequestState& r = view.state;
  const auto token = [&](const std::string& text) {
    return r.verified ? text : std::string("the request has no verified token");
  };
  switch (c.attribute) {
    case Attribute::Principal:
    case Attribute::Namespace:
    case Attribute::ServiceAccount:
    case Attribute::TrustDomain:
      return r.peer.present() ? "caller is " + r.peer.principal : "caller has no identity";
    case Attribute::SourceIp:
      return "source address is " + (r.source_ip ? r.source_ip->to_string() : "not known");
    case Attribute::RemoteIp:
      return "remote address is " + (r.remote_ip ? r.remote_ip->to_string() : "not known");
    case Attribute::DestinationIp:
      return "destination address is " + (r.destination_ip ? r.destination_ip->to_string() : "not known");
    case Attribute::Port:
      return "port is " + std::to_string(r.port);
    case Attribute::RequestPrincipal:
      return r.verified ? "request principal is " + r.verified->issuer + "/" + r.verified->subject
                        : token({});
    case Attribute::Host:
      return "host is " + r.host;
    case Attribute::Method:
      return "method is " + r.method;
    case Attribute::Path:
      return "path is " + view.path;
    case Attribute::Header: {
      const auto value = header_text(r, c.key);
      return value ? "the header is " + *value : "there is no such header";
    }
    case Attribute::Sni:
      return r.sni.empty() ? "no SNI is seen here" : "SNI is " + r.sni;
    case Attribute::Audiences: {
      std::string all;
      if (r.verified)
        for (const auto& a : r.verified->audiences) all += (all.empty() ? "" : ", ") + a;
      return token(all.empty() ? "the token names no audience" : "the token is for " + all);
    }
    case Attribute::Claim: {
      const Claim* found = r.verified ? find_claim(*r.verified, c.key) : nullptr;
      if (found == nullptr) return token("the token has no such claim");
      if (found->kind != Claim::Kind::List)
        return "the claim is " +
               (found->kind == Claim::Kind::Object ? std::string("an object") : found->text);
      std::string all;
      for (const auto& one : found->list) all += (all.empty() ? "" : ", ") + one;
      return "the claim is [" + all + "]";
    }
    case Attribute::FilterMetadata:
      return "no filter sets such metadata";
    case Attribute::UnknownKey:
      return "no proxy knows this key";
  }
  return {};
}

std::string missing_fact(const Condition& c, const PolicyRequest& view) {
  const std::string wanted = " (for " + std::string(c.name) + ": " +
                             list_values(c.written->empty() ? *c.not_written : *c.written) + ")";
  switch (c.attribute) {
    case Attribute::SourceIp:
      return "the source address at this point" + wanted;
    case Attribute::RemoteIp:
      return "the client's address at this point" + wanted;
    case Attribute::Header:  // a gateway's peer in X-Forwarded-For
      return "the client's address at this point" + wanted;
    case Attribute::DestinationIp:
      return "the destination's address" + wanted;
    case Attribute::Port:
      return "the destination port at this point" + wanted;
    case Attribute::RequestPrincipal:
      return "the subject of the session's token" + wanted;
    case Attribute::Claim:
      return "claims of the session's token" + wanted;
    default:
      return request_side(c, view) + wanted;
  }
}

bool names_caller(Attribute attribute) {
  return attribute == Attribute::Principal || attribute == Attribute::Namespace ||
         attribute == Attribute::ServiceAccount;
}

std::string nearest_principal(const model::PolicyValues& values, const std::string& caller,
                              std::size_t& distance_out) {
  const auto parts = [](std::string_view text) {
    std::vector<std::string_view> out;
    while (true) {
      const auto slash = text.find('/');
      out.push_back(text.substr(0, slash));
      if (slash == std::string_view::npos) return out;
      text.remove_prefix(slash + 1);
    }
  };
  static constexpr std::array<std::string_view, 5> kPart{"trust domain", "", "namespace", "",
                                                         "service account"};
  const auto mine = parts(caller);
  const model::PolicyValue* best = nullptr;
  std::size_t best_distance = 0;
  for (const auto& v : values) {
    const auto theirs = parts(v.text);
    if (theirs.size() != mine.size()) continue;
    // A part that differs weighs more than letters within it; with three of them it is another caller.
    std::size_t other_parts = 0, distance = 0;
    for (std::size_t i = 0; i < mine.size() && other_parts <= 2; ++i) {
      if (mine[i] == theirs[i]) continue;
      ++other_parts;
      distance += 1000 + model::edit_distance(theirs[i], mine[i]);
    }
    if (other_parts > 2) continue;
    if (best == nullptr || distance < best_distance) {
      best = &v;
      best_distance = distance;
    }
  }
  if (best == nullptr || mine.size() != kPart.size()) return {};
  distance_out = best_distance;
  const auto theirs = parts(best->text);
  std::string what;
  for (std::size_t i = 0; i < mine.size(); ++i)
    if (mine[i] != theirs[i] && !kPart[i].empty())
      what.append(what.empty() ? "" : ", ")
          .append(kPart[i])
          .append(" ")
          .append(theirs[i])
          .append(" instead of ")
          .append(mine[i]);
  if (what.empty()) return {};
  return (values.size() > 1 ? "; nearest is " + best->text + ": " : "; differs in ") + what;
}

}  // namespace waypath::sim
