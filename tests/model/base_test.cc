// model/base: symbols, places, diagnostics, addresses, "did you mean", the seam over threads.

#include <fmt/format.h>

#include <array>
#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/edit_distance.h"
#include "model/base/ip.h"
#include "model/base/parallel.h"
#include "model/base/source_pos.h"
#include "model/base/symbol.h"

namespace waypath::model {

TEST_CASE("symbols: equal texts are one symbol, from any thread", "[model][base][threads]") {
  CHECK(intern("app") == intern(std::string("ap") + "p"));
  CHECK(intern("app") != intern("apps"));
  CHECK(intern("") == Symbol());
  CHECK(intern("").view().empty());
  CHECK(intern("app") == "app");
  std::vector<Symbol> seen(4000);
  parallel_for_index(seen.size(), 4,
                     [&](std::size_t i) { seen[i] = intern("shared-" + std::to_string(i % 100)); });
  for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == intern("shared-" + std::to_string(i % 100)));
}

TEST_CASE("symbols: texts of every length, that differ in one character, are told apart", "[model][base]") {
  std::vector<Symbol> symbols;
  for (std::size_t size = 1; size <= 40; ++size)
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = 'b';
      symbols.push_back(intern(text));
      CHECK(symbols.back() == text);
      CHECK(symbols.back() == intern(text));
    }
  for (int i = 0; i < 5000; ++i) CHECK(intern(std::to_string(i)) == std::to_string(i));  // tables grow
  for (std::size_t i = 0; i < symbols.size(); ++i) CHECK(symbols[i] == intern(symbols[i].str()));
}

TEST_CASE("parallel_for_index: every index once, whatever the number of jobs", "[model][base][threads]") {
  for (const unsigned jobs : {0U, 1U, 2U, 8U}) {
    std::vector<int> hits(1000);
    parallel_for_index(hits.size(), jobs, [&](std::size_t i) { ++hits[i]; });
    CHECK(std::accumulate(hits.begin(), hits.end(), 0) == 1000);
    CHECK(*std::max_element(hits.begin(), hits.end()) == 1);
  }
  parallel_for_index(0, 2, [](std::size_t) { FAIL("called without an index"); });
}

TEST_CASE("parallel_for_index: an exception reaches the caller", "[model][base][threads]") {
  const auto run = [] {
    parallel_for_index(100, 2, [](std::size_t i) {
      if (i == 57) throw std::runtime_error("57");
    });
  };
  CHECK_THROWS_AS(run(), std::runtime_error);
}

TEST_CASE("source files: lines without their ends, places as text", "[model][base]") {
  SourceFiles files;
  const std::uint32_t id = files.add("a.yaml", "one\r\ntwo\n\nlast");
  CHECK(id == 1);
  CHECK(files.line(id, 1) == "one");
  CHECK(files.line(id, 2) == "two");
  CHECK(files.line(id, 3).empty());
  CHECK(files.line(id, 4) == "last");
  CHECK(files.line(id, 5).empty());
  CHECK(files.line(0, 1).empty());
  CHECK(files.path(0) == "<unknown>");
  CHECK(files.format({id, 2, 3}) == "a.yaml:2:3");
  CHECK(files.format({id, 2, 0}) == "a.yaml:2");
  CHECK(files.format({}).empty());
}

TEST_CASE("diagnostics: whole text with source line, caret and hint", "[model][base]") {
  SourceFiles files;
  const std::uint32_t id = files.add("np.yaml", "spec:\n\tport: \xC3\xBC \"80\"\n");
  Diagnostic d;
  d.code = Code{"NETPOL_PORT"};
  d.pos = {id, 2, 10};
  d.object = "NetworkPolicy/shop/api";
  d.field = "spec.port";
  d.error_type = "Invalid";
  d.message = "expected an integer";
  d.hint = "remove the quotes";
  CHECK(format_diagnostic(d, files) ==
        "np.yaml:2:10: error: NetworkPolicy/shop/api: spec.port: Invalid: expected an integer [NETPOL_PORT]\n"
        "  \tport: \xC3\xBC \"80\"\n"
        "  \t       ^\n"
        "  hint: remove the quotes\n");
}

TEST_CASE("diagnostics: long lines are cut around the column, control characters are not printed",
          "[model][base]") {
  SourceFiles files;
  const std::uint32_t id = files.add("x.json", fmt::format("{:a<5000}\x1b[31m{:b<5000}", "", ""));
  Diagnostic d;
  d.code = Code{"JSON_SYNTAX"};
  d.pos = {id, 1, 5001};
  d.message = "m";
  const std::string text = format_diagnostic(d, files);
  CHECK(text.size() < 400);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("?[31mbbb") != std::string::npos);
  CHECK(text.substr(text.size() - 77) == std::string(75, ' ') + "^\n");
}

TEST_CASE("diagnostics: sorted by place, exact repeats once, reach decides what counts", "[model][base]") {
  SourceFiles files;
  const std::uint32_t b = files.add("b.yaml", "");
  const std::uint32_t a = files.add("a.yaml", "");
  Diagnostics all;
  const auto add = [&](std::uint32_t file, std::uint32_t line, Severity severity, Reach reach) {
    Diagnostic d;
    d.code = Code{"C"};
    d.pos = {file, line, 1};
    d.severity = severity;
    d.reach = reach;
    all.report(d);
  };
  add(b, 1, Severity::Warning, Reach::Input);
  CHECK_FALSE(all.has_errors());
  add(a, 2, Severity::Error, Reach::Rejected);
  CHECK(all.has_errors());
  CHECK_FALSE(all.has_input_errors());
  add(a, 1, Severity::Error, Reach::Input);
  add(a, 1, Severity::Error, Reach::Input);
  CHECK(all.has_input_errors());
  const std::vector<Diagnostic> sorted = all.sorted(files);
  REQUIRE(sorted.size() == 3);
  CHECK(sorted[0].pos == SourcePos{a, 1, 1});
  CHECK(sorted[1].pos == SourcePos{a, 2, 1});
  CHECK(sorted[2].pos == SourcePos{b, 1, 1});
}

TEST_CASE("addresses: what Go's parsers accept", "[model][base]") {
  CHECK(parse_ip("10.0.0.1").has_value());
  CHECK(parse_ip("2001:db8::1").has_value());
  for (const std::string_view bad :
       {"", "10.0.0", "10.0.0.256", "10.0.0.1/8", "fe80::1%eth0", "a.b.c.d", " 10.0.0.1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_ip(bad).has_value());
  }
  for (const std::string_view bad :
       {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "2001:db8::/129", "/8", "10.0.0.0/8/8"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_cidr(bad).has_value());
  }
  CHECK(parse_cidr("10.1.2.3/8")->str() == "10.0.0.0/8");
  CHECK(parse_cidr("2001:db8:ffff::1/32")->str() == "2001:db8::/32");
  CHECK(parse_cidr_or_ip("10.1.2.3")->prefix == 32);
  CHECK(parse_cidr_or_ip("2001:db8::1")->prefix == 128);
}

TEST_CASE("blocks: contain addresses and blocks of their family only", "[model][base]") {
  const auto in = [](std::string_view block, std::string_view address) {
    return parse_cidr(block)->contains(*parse_ip(address));
  };
  CHECK(in("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(in("10.0.0.0/8", "11.0.0.0"));
  CHECK(in("0.0.0.0/0", "1.2.3.4"));
  CHECK_FALSE(in("0.0.0.0/0", "::1"));
  CHECK_FALSE(in("0.0.0.0/0", "::ffff:1.2.3.4"));
  CHECK(in("::/0", "::1"));
  CHECK(in("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(in("10.0.0.1/32", "10.0.0.1"));
  CHECK(parse_cidr("10.0.0.0/8")->contains(*parse_cidr("10.1.0.0/16")));
  CHECK_FALSE(parse_cidr("10.1.0.0/16")->contains(*parse_cidr("10.0.0.0/8")));
}

TEST_CASE("did you mean: near words only, swaps count once", "[model][base]") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("selector", "selectro") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  const std::array<std::string_view, 3> words{"podSelector", "policyTypes", "ingress"};
  CHECK(nearest("podSelectr", words) == "podSelector");
  CHECK(nearest("ingres", words) == "ingress");
  CHECK_FALSE(nearest("egress-gateway", words).has_value());
}

}  // namespace waypath::model
