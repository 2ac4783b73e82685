#pragma once
// Conditions of HTTP routes on one request, and an index over an ordered list of them: a router finds its
// first matching entry without trying every rule.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/base/source_pos.h"
#include "sim/flow.h"
#include "sim/match/regex_match.h"

namespace waypath::sim {

/// "Host" without its port, lower case; IPv6 brackets are kept.
[[nodiscard]] std::string host_without_port(std::string_view authority);
[[nodiscard]] std::string lower_case(std::string_view text);

/// A request taken apart once, for all the rules it is held against.
struct RequestView {
  std::string method, scheme, authority, path;             // path without query
  std::string query_text;                                  // with its "?", or empty
  std::vector<std::pair<std::string, std::string>> query;  // in order, not decoded
  Headers headers;                                         // one entry a name, values joined with ","
  const std::vector<Token>* claims = nullptr;
  [[nodiscard]] const std::string* header(std::string_view lower_name) const;
  [[nodiscard]] const std::string* query_value(std::string_view name) const;  // of the first such parameter
};
[[nodiscard]] RequestView view_of(std::string method, std::string scheme, std::string authority,
                                  std::string_view path, const Headers& headers,
                                  const std::vector<Token>* claims);

struct TextMatcher {
  /// PathPrefix compares by path element, Prefix by character.
  enum class Kind : std::uint8_t { Exact, Prefix, PathPrefix, Regex, Present } kind = Kind::Exact;
  std::string value;
  bool ignore_case = false;
  std::shared_ptr<const RegexMatch> regex;  // Kind::Regex
  [[nodiscard]] bool matches(std::string_view text) const;
  [[nodiscard]] std::string describe() const;  // "prefix /api"
};
[[nodiscard]] TextMatcher exact(std::string value);
[[nodiscard]] TextMatcher regex(std::string value);

struct NamedMatcher {
  std::string name;  // headers: lower case
  TextMatcher match;
};

/// All conditions hold, or the entry does not match.
struct HttpMatch {
  std::optional<TextMatcher> path, method, scheme, authority;
  std::vector<NamedMatcher> headers, without_headers, query;
  model::SourcePos pos;
  [[nodiscard]] bool catch_all() const;
  [[nodiscard]] std::string describe() const;
  /// The expression that Envoy would refuse, or null.
  [[nodiscard]] const RegexMatch* invalid_regex() const;
};

struct MatchAnswer {
  enum class Result : std::uint8_t { No, Yes, Unknown } result = Result::No;
  std::string detail;  // the first condition that fails, or why it is unknown; only when asked for
};
[[nodiscard]] MatchAnswer match_request(const HttpMatch& match, const RequestView& request, bool explain);

/// Positions of an ordered list of matches whose path condition can hold, found by path.
class MatchIndex {
 public:
  void add(const HttpMatch& match);  // position = number of matches added before
  /// In list order.
  [[nodiscard]] std::vector<std::uint32_t> candidates(std::string_view path) const;

 private:
  std::uint32_t size_ = 0;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> exact_, prefix_;
  std::vector<std::size_t> prefix_lengths_;  // sorted, unique
  std::vector<std::uint32_t> others_;        // no path condition, regex, ignored case
};

}  // namespace waypath::sim
