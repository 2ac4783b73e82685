#pragma once
// The conditions that policies, routes and an authservice put on a request, gathered by attribute, and the
// classes of values that they cut.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scenarios/request_classes.h"
#include "sim/match/text_members.h"
#include "sim/policy/authorization_rule.h"
#include "sim/policy/authservice.h"

namespace waypath::scenarios {

class RequestConditions {
 public:
  explicit RequestConditions(const model::Cluster& cluster) : cluster_(cluster) {}
  /// Conditions on the peer, ports and addresses are not the request's: left alone.
  void add(const sim::Condition& condition);
  void add(const sim::AuthserviceConfig& config);
  void add(const RouteHosts& route);

  /// Headers or query parameters that some condition names, in order.
  [[nodiscard]] std::vector<std::string> names(RequestAttribute::Kind kind) const;
  /// One value for each class; a single one when nothing tells values apart.
  [[nodiscard]] RequestAttribute attribute(RequestAttribute::Kind kind, const std::string& key,
                                           std::vector<std::string>& left_out) const;
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }
  /// What the conditions answer for these texts of an attribute ("": none is there); the same for all when
  /// there are no conditions on it.
  [[nodiscard]] std::string answers(RequestAttribute::Kind kind, const std::string& key,
                                    const std::vector<std::string>& texts) const;
  /// The path, and what each rewrite may make of it. Nullopt: anything.
  [[nodiscard]] std::optional<std::vector<std::string>> rewritten(const std::string& path) const;
  /// Whether some condition compares the path together with its query.
  [[nodiscard]] bool whole_path() const { return whole_path_; }
  /// Whether a route reads claims of a token.
  [[nodiscard]] bool by_claims() const { return by_claims_; }

 private:
  using Key = std::pair<RequestAttribute::Kind, std::string>;
  struct Group {
    std::vector<sim::TextPattern> patterns;
    std::vector<const sim::Condition*> conditions;  // whose answer is what matters, not which value gave it
    std::vector<const sim::Condition*> remote;      // X-Forwarded-For: compared as addresses
    std::vector<std::size_t> alone;                 // positions of patterns that no condition stands for
  };
  void add_pattern(RequestAttribute::Kind kind, const std::string& key, sim::TextPattern pattern);
  void add_string(RequestAttribute::Kind kind, const std::string& key, const model::StringMatch& match,
                  bool ignore_case);
  void add_virtual_service(const model::VirtualService& vs, bool delegates);
  void add_http_route(const model::HttpRoute& route);
  void add_path_prefix(const std::string& path);
  [[nodiscard]] Key of_header(const std::string& name);
  [[nodiscard]] std::string signature(const Group& group, RequestAttribute::Kind kind, const std::string& key,
                                      const std::string& text) const;
  struct Undone {
    std::string text, becomes;  // paths
  };
  [[nodiscard]] std::vector<Undone> undo_rewrites(const std::vector<sim::TextMembers::Member>& members) const;

  const model::Cluster& cluster_;
  std::map<Key, Group> groups_;
  struct Rewrite {
    std::string matched, replaced;  // prefixes
  };
  std::vector<Rewrite> rewrites_;
  bool rewritten_ = false,
       rewritten_anyhow_ = false;  // the latter: not by exchanging a prefix as it is written
  bool whole_path_ = false, by_claims_ = false;
  std::vector<std::string> left_out_;
};

}  // namespace waypath::scenarios
