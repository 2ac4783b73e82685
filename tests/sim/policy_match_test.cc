// Values of AuthorizationPolicy fields and the paths they are compared with.

#include "sim/match/policy_match.h"

#include <catch2/catch.hpp>

#include "sim/match/forwarded_for.h"
#include "sim/match/header_values.h"
#include "sim/match/regex_match.h"

namespace waypath::tests {
namespace {

TEST_CASE("values: presence, suffix, prefix, exact; only one outer star is special") {
  CHECK(sim::match_value("*", "x"));
  CHECK_FALSE(sim::match_value("*", ""));
  CHECK(sim::match_value("*x", "ax"));
  CHECK(sim::match_value("x*", "xa"));
  CHECK_FALSE(sim::match_value("a*b", "axb"));
  CHECK(sim::match_value("a*b", "a*b"));
  CHECK(sim::match_value("*x*", "ax*"));
  CHECK_FALSE(sim::match_value("*x*", "axa"));
  CHECK(sim::match_value("Example.COM", "eXample.com", true));
  for (const char* pattern : {"*", "*x", "x*", "a*b", "*x*", "", "x"})
    for (const char* text : {"", "x", "ax", "xa", "a*b", "axb", "ax*"})
      CHECK(sim::ValueMatch(pattern).matches(text) == sim::match_value(pattern, text));
}

bool fits(const char* pattern, const char* path) {
  return sim::RegexMatch(sim::path_template_regex(pattern)).full_match(path);
}

TEST_CASE("path templates: {*} is one segment, {**} any number") {
  CHECK(fits("/allow/admin/{**}", "/allow/admin/"));
  CHECK(fits("/allow/admin/{**}", "/allow/admin/a/b.txt"));
  CHECK_FALSE(fits("/allow/admin/{**}", "/allow/admin"));
  CHECK(fits("/foo/{*}/bar/{**}", "/foo/x/bar/y/z"));
  CHECK_FALSE(fits("/foo/{*}/bar/{**}", "/foo//bar/x"));
  CHECK_FALSE(fits("/foo/{*}/bar/{**}", "/foo/x/y/bar/x"));
  CHECK(fits("/store/{**}/cart", "/store//cart"));
  CHECK_FALSE(fits("/store/{**}/cart", "/store/cart"));
  CHECK(fits("/a.b/{*}", "/a.b/c"));
  CHECK_FALSE(fits("/a.b/{*}", "/axb/c"));
}

TEST_CASE("paths are normalised as the mesh says, without query and fragment") {
  using Mode = model::PathNormalization;
  CHECK(sim::normalized_path("/a/../b?x=/../c#d", Mode::Default) == "/b");
  CHECK(sim::normalized_path("/a/%2e%2e/b", Mode::Base) == "/b");
  CHECK(sim::normalized_path("/a\\b", Mode::Base) == "/a/b");
  CHECK(sim::normalized_path("/a//b", Mode::Base) == "/a//b");
  CHECK(sim::normalized_path("/a//b", Mode::MergeSlashes) == "/a/b");
  CHECK(sim::normalized_path("/a%2fb", Mode::MergeSlashes) == "/a%2fb");  // escapes that stay are not touched
  CHECK(sim::normalized_path("/a%2Fb%c0", Mode::Base) == "/a%2Fb%c0");
  CHECK(sim::normalized_path("//", Mode::MergeSlashes) == "//");
  CHECK(sim::normalized_path("///a//", Mode::MergeSlashes) == "/a/");
  CHECK(sim::normalized_path("/a%2fb%5Cc", Mode::DecodeAndMergeSlashes) == "/a/b/c");
  CHECK(sim::normalized_path("/a/../b", Mode::None) == "/a/../b");
  CHECK(sim::normalized_path("/a/.", Mode::Base) == "/a/");
}

TEST_CASE("the client's address: trusted proxies at gateways, the last hop elsewhere") {
  using Kind = sim::PolicyPoint::Kind;
  const sim::Headers xff{{"x-forwarded-for", "1.1.1.1, 2.2.2.2,3.3.3.3"}};
  const auto peer = model::parse_ip("9.9.9.9");
  const auto at = [&](Kind kind, bool http, std::uint32_t trusted) {
    return sim::forwarded_client(kind, http, xff, trusted, peer)->to_string();
  };
  CHECK(at(Kind::GatewayApi, true, 0) == "9.9.9.9");
  CHECK(at(Kind::GatewayApi, true, 1) == "3.3.3.3");
  CHECK(at(Kind::ClassicGateway, true, 2) == "2.2.2.2");
  CHECK(at(Kind::ClassicGateway, true, 4) == "9.9.9.9");
  CHECK(at(Kind::Waypoint, true, 0) == "3.3.3.3");
  CHECK(at(Kind::Sidecar, false, 0) == "9.9.9.9");
  CHECK(at(Kind::Ztunnel, false, 0) == "9.9.9.9");
}

TEST_CASE("repeated headers of one slot are joined, empty values left out") {
  const sim::Headers headers{{"via", ""},    {"via", "one"}, {"via", ""},
                             {"via", "two"}, {"x-team", ""}, {"x-team", "a"}};
  CHECK(sim::header_values(headers, "via") == std::vector<std::string>{"one,two"});
  CHECK(sim::header_values(headers, "x-team") == std::vector<std::string>{"", "a"});
  CHECK(sim::header_values(headers, "x-other").empty());
}

}  // namespace
}  // namespace waypath::tests
