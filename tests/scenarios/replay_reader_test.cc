// Lines of access logs: every form gives the same record, and what cannot be read is told with its reason.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/replay/log_record.h"
#include "scenarios/replay/log_stream.h"
#include "tests/support/corpus.h"

namespace waypath::scenarios {
namespace {

namespace fs = std::filesystem;

std::string kind_text(LineKind kind) {
  static const std::vector<std::string> names{"record", "opened", "tunnel", "other", "blank", "unreadable"};
  return names[static_cast<std::size_t>(kind)];
}

template <class Fn>
std::optional<std::string> for_each_log_line(const std::string& path, const Fn& fn) {
  return for_each_log_block(path, [&](const LogBlock& block) { for_each_line(block, fn); });
}

std::string told(const LogRecord& r) {
  if (r.writer == LogRecord::Writer::Envoy)
    return fmt::format("envoy {} {} {} {} {} [{}] [{}] {} {} {} {} {}/{} {}ms", r.method, r.authority, r.path,
                       r.status, r.response_flags, r.details, r.termination, r.upstream_cluster,
                       r.downstream_local, r.downstream_remote, r.sni, r.sent, r.received, r.duration_ms);
  return fmt::format("{} {}/{} {} -> {} ({}) {} {}/{} [{}]{} {}/{} {}ms",
                     r.writer == LogRecord::Writer::ZtunnelInbound ? "inbound" : "outbound", r.src_namespace,
                     r.src_workload, r.src_addr, r.dst_addr, r.dst_hbone_addr, r.dst_service, r.dst_namespace,
                     r.dst_workload, r.error, r.failed_early ? " early" : "", r.sent, r.received,
                     r.duration_ms);
}

std::string read(std::string_view line) {
  LogLineReader reader;
  LogRecord record;
  std::string why;
  const auto kind = reader.read(line, record, why);
  if (kind == LineKind::Record) return told(record);
  return why.empty() ? kind_text(kind) : kind_text(kind) + ": " + why;
}

constexpr const char* kFields =
    "src.addr=10.0.0.1:4000 src.workload=\"web-7d9f-x2x4q\" src.namespace=\"shop\" "
    "dst.addr=10.0.0.2:15008 dst.hbone_addr=10.0.0.2:8080 dst.service=\"api.shop.svc.cluster.local\" "
    "dst.workload=\"api-0\" dst.namespace=\"shop\" direction=\"outbound\" bytes_sent=10 bytes_recv=20 "
    "duration=\"3ms\"";
constexpr const char* kConnection =
    "outbound shop/web-7d9f-x2x4q 10.0.0.1:4000 -> 10.0.0.2:15008 (10.0.0.2:8080) api.shop.svc.cluster.local "
    "shop/api-0 [] 10/20 3ms";

}  // namespace

TEST_CASE("ztunnel's access log reads alike as text, as JSON, in the older form and behind prefixes") {
  const std::string text =
      fmt::format("2026-08-20T09:15:07.311905Z\tinfo\taccess\tconnection complete\t{}", kFields);
  CHECK(read(text) == kConnection);
  CHECK(read("[pod/ztunnel-7hkwq/istio-proxy] " + text) == kConnection);
  CHECK(read("2026-08-20T09:15:07.500000000Z stdout F " + text) == kConnection);
  CHECK(read(fmt::format("2024-04-11T15:38:42.182974Z  INFO access: connection complete {}", kFields)) ==
        kConnection);
  CHECK(read(R"({"level":"info","time":"2026-08-20T09:15:07.311905Z","scope":"access",)"
             R"("message":"connection complete","src.addr":"10.0.0.1:4000","src.workload":"web-7d9f-x2x4q",)"
             R"("src.namespace":"shop","dst.addr":"10.0.0.2:15008","dst.hbone_addr":"10.0.0.2:8080",)"
             R"("dst.service":"api.shop.svc.cluster.local","dst.workload":"api-0","dst.namespace":"shop",)"
             R"("direction":"outbound","bytes_sent":10,"bytes_recv":20,"duration":"3ms"})") == kConnection);
}

TEST_CASE("a quoted error keeps its quotes and its end") {
  CHECK(read("2026-08-20T09:15:07.3Z\terror\taccess\tconnection complete\tsrc.addr=10.0.0.1:1 "
             "dst.addr=10.0.0.2:2 "
             "direction=\"inbound\" bytes_sent=0 bytes_recv=0 duration=\"0ms\" error=\"said \\\"no\\\" to "
             "a\\\\b\"") == "inbound / 10.0.0.1:1 -> 10.0.0.2:2 ()  / [said \"no\" to a\\b] 0/0 0ms");
  CHECK(read("2026-08-20T09:15:07.3Z\twarn\taccess\tconnection failed\tsrc.addr=[fd00::1]:1 "
             "dst.addr=[fd00::2]:2 "
             "direction=\"outbound\" error=\"no healthy upstream: [fd00::2]:2\"") ==
        "outbound / [fd00::1]:1 -> [fd00::2]:2 ()  / [no healthy upstream: [fd00::2]:2] early 0/0 0ms");
}

TEST_CASE("Envoy's access log reads alike as text and as JSON, numbers or texts") {
  const std::string expected =
      "envoy GET api.shop:8080 /v1?a=b 403  [rbac_access_denied_matched_policy[none]] [] "
      "inbound-vip|8080|http|api.shop.svc.cluster.local 10.96.0.9:8080 10.0.0.1:4000  19/7 2ms";
  CHECK(read("[2026-08-20T09:15:01.004Z] \"GET /v1?a=b HTTP/1.1\" 403 - "
             "rbac_access_denied_matched_policy[none] - \"-\" 7 19 2 - \"-\" \"an agent with blanks\" \"id\" "
             "\"api.shop:8080\" \"-\" inbound-vip|8080|http|api.shop.svc.cluster.local - 10.96.0.9:8080 "
             "10.0.0.1:4000 - default") == expected);
  const std::string json =
      R"({{"start_time":"2026-08-20T09:15:01.004Z","method":"GET","path":"/v1?a=b","protocol":"HTTP/1.1",)"
      R"("response_code":{0}403{0},"response_flags":"-",)"
      R"("response_code_details":"rbac_access_denied_matched_policy[none]",)"
      R"("connection_termination_details":null,"bytes_received":{0}7{0},"bytes_sent":{0}19{0},)"
      R"("duration":{0}2{0},"authority":"api.shop:8080","upstream_host":null,)"
      R"("upstream_cluster":"inbound-vip|8080|http|api.shop.svc.cluster.local",)"
      R"("downstream_local_address":"10.96.0.9:8080","downstream_remote_address":"10.0.0.1:4000",)"
      R"("requested_server_name":null,"route_name":"default"}})";
  CHECK(read(fmt::format(fmt::runtime(json), "")) == expected);
  CHECK(read(fmt::format(fmt::runtime(json), "\"")) == expected);
}

TEST_CASE("tests/broken_logs: what each line is taken for, and why it cannot be read") {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(tests::source_dir() + "/tests/broken_logs"))
    if (entry.path().extension() == ".log") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() >= 2);
  for (const auto& path : paths) {
    DYNAMIC_SECTION(path.filename().string()) {
      std::string report;
      const auto error = for_each_log_line(path.string(), [&](const LogLine& line) {
        report += fmt::format("{}: {}\n", line.number, read(line.text));
      });
      REQUIRE_FALSE(error);
      auto expected = path;
      expected.replace_extension(".expected");
      if (std::getenv("WAYPATH_UPDATE_GOLDEN") != nullptr)
        std::ofstream(expected, std::ios::binary) << report;
      else
        CHECK(report == tests::read_text(expected.string()));
    }
  }
}

TEST_CASE("lines come whole whatever the size of a file, plain or gzip; a cut gzip file is told") {
  const auto folder = fs::temp_directory_path() / fmt::format("waypath-log-{}", std::rand());
  fs::create_directory(folder);
  const std::string plain = (folder / "a.log").string(), packed = (folder / "a.log.gz").string();
  std::string text;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 40000; ++i)
    lines.push_back(fmt::format("line {} {}", i, std::string(i % 97, 'x')));
  lines[100] = std::string(kLongestLogLine + 5, 'y');
  lines[200] = std::string(5 * kLongestLogLine, 'z');  // longer than what is read at a time
  for (const auto& line : lines) text += line + "\n";
  text += "without an end";
  lines.push_back("without an end");
  std::ofstream(plain, std::ios::binary) << text;
  const std::string pack = fmt::format("gzip -1 -c {} > {}", plain, packed);
  REQUIRE(std::system(pack.c_str()) == 0);
  for (const auto& path : {plain, packed}) {
    std::size_t at = 0, cut = 0;
    bool same = true;
    const auto error = for_each_log_line(path, [&](const LogLine& line) {
      same = same && at < lines.size() && line.number == at + 1 &&
             line.text == std::string_view(lines[at]).substr(0, kLongestLogLine);
      cut += line.cut ? 1 : 0;
      ++at;
    });
    CHECK_FALSE(error);
    CHECK(same);
    CHECK(at == lines.size());
    CHECK(cut == 2);
  }
  fs::resize_file(packed, fs::file_size(packed) / 2);
  const auto error = for_each_log_line(packed, [](const LogLine&) {});
  CHECK(error.value_or("") == "the gzip data ends too early");
  CHECK(for_each_log_line((folder / "none").string(), [](const LogLine&) {}).has_value());
  CHECK(for_each_log_line(folder.string(), [](const LogLine&) {}).value_or("") == "it is a directory");
  fs::remove_all(folder);
}

}  // namespace waypath::scenarios
