// The command line: exit codes, what goes where, help and slips (tools/waypath/app.h).

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/diagnostic_codes.h"
#include "sim/reasons/reason_codes.h"
#include "tests/support/corpus.h"
#include "tests/tools/run.h"
#include "tools/waypath/app.h"

namespace waypath {
namespace {

using tests::run;

const std::string kCluster = "scenarios/clusters/bigbang-waypoint";
const std::string kUrl = "https://prometheus.dev.bigbang.mil/graph";

TEST_CASE("without arguments the program says what to do and exits 2") {
  const auto r = run({});
  CHECK(r.exit_code == 2);
  CHECK(r.out.empty());
  CHECK(r.err.find("waypath trace") != std::string::npos);
}

TEST_CASE("help of every verb goes to standard output, exits 0 and has examples") {
  for (const auto* verb : {"trace", "test", "graph", "explain"}) {
    INFO(verb);
    const auto r = run({verb, "--help"});
    CHECK(r.exit_code == 0);
    CHECK(r.err.empty());
    CHECK(r.out.find("Examples:\n  waypath " + std::string(verb)) != std::string::npos);
  }
  CHECK(run({"--help"}).exit_code == 0);
  CHECK(run({"--version"}).out.find("waypath ") == 0);
}

TEST_CASE("a slip in a verb, a flag or a code gets a did-you-mean and exits 2") {
  const auto verb = run({"trcae", "a", "b"});
  CHECK(verb.exit_code == 2);
  CHECK(verb.err.find("did you mean \"trace\"?") != std::string::npos);
  const auto flag = run({"trace", "internet", "x", "--methd", "GET"});
  CHECK(flag.exit_code == 2);
  CHECK(flag.err.find("did you mean \"--method\"?") != std::string::npos);
  const auto code = run({"explain", "NETPOL_ALOW"});
  CHECK(code.exit_code == 2);
  CHECK(code.err.find("did you mean \"NETPOL_ALLOW\"?") != std::string::npos);
  const auto kind = run({"explain", "AuthorisationPolicy/a/b", "-f", kCluster});
  CHECK(kind.exit_code == 2);
  CHECK(kind.err.find("did you mean \"AuthorizationPolicy\"?") != std::string::npos);
}

TEST_CASE("a trace says which version's rules it follows, and an unknown version is an assumption") {
  const auto known = run({"trace", "internet", kUrl, "-f", kCluster, "--istio-version", "1.24"});
  CHECK(known.out.find("with the rules of Istio 1.24.6\n") != std::string::npos);
  const auto unknown = run({"trace", "internet", kUrl, "-f", kCluster, "--istio-version", "1.99"});
  CHECK(unknown.exit_code == 0);
  CHECK(unknown.out.find("ASSUME_ISTIO_VERSION Istio 1.99.0 is not known here") != std::string::npos);
}

TEST_CASE("explain tells which waypoint a Service has in effect") {
  const auto bound =
      run({"explain", "Service/monitoring/monitoring-monitoring-kube-prometheus", "-f", kCluster});
  CHECK(bound.exit_code == 0);
  CHECK(bound.out.find("waypoint: authservice/authservice-waypoint, bound\n") != std::string::npos);
  CHECK(bound.out.find("1 of 1 pods ready\n") != std::string::npos);
  CHECK(bound.out.find("gateways: through the waypoint\n") != std::string::npos);
  const auto none = run({"explain", "Service/monitoring/grafana", "-f", kCluster, "-o", "json"});
  CHECK(none.out.find("\"state\": \"none\"") != std::string::npos);
  CHECK(run({"explain", "Service/monitoring/nosuch", "-f", kCluster}).exit_code == 2);
}

TEST_CASE("when every object is refused the errors come first, then what that means") {
  const auto path = std::filesystem::temp_directory_path() / "waypath-refused.yaml";
  std::ofstream(path) << "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: 80}\n";
  const auto r = run({"trace", "internet", kUrl, "-f", path.string()});
  std::filesystem::remove(path);
  CHECK(r.exit_code == 2);
  CHECK(r.err.find("spec.ports") < r.err.find("is left"));
  CHECK(r.err.find("is left") != std::string::npos);
}

TEST_CASE("a format that does not exist exits 2 and names those that do") {
  const auto r = run({"trace", "internet", kUrl, "-f", kCluster, "-o", "yaml"});
  CHECK(r.exit_code == 2);
  CHECK(r.err.find("json") != std::string::npos);
}

TEST_CASE("without a cluster the answer names the command that tries the shipped one") {
  const auto r = run({"trace", "internet", kUrl});
  CHECK(r.exit_code == 2);
  CHECK(r.out.empty());
  CHECK(r.err.find("-f scenarios/clusters/bigbang-waypoint") != std::string::npos);
}

TEST_CASE("WAYPATH_CLUSTER stands in for -f") {
  std::filesystem::current_path(tests::source_dir());
  setenv("WAYPATH_CLUSTER", kCluster.c_str(), 1);
  std::ostringstream out, err;
  const int code =
      tools::run_app({"trace", "internet", kUrl, "-q"}, "waypath", tools::Streams{out, err, false, false});
  unsetenv("WAYPATH_CLUSTER");
  CHECK(code == 0);
  CHECK_FALSE(out.str().empty());
}

TEST_CASE("test reads the cluster of a scenario from the cache the second time, and -v says so") {
  const auto folder = std::filesystem::temp_directory_path() / "waypath-test-cache";
  std::filesystem::remove_all(folder);
  const std::vector<std::string> words{
      "test", "scenarios/bigbang/waypoint-mode.yaml", "--cache", folder.string(), "-v", "-o", "json"};
  const auto first = run(words), second = run(words);
  std::filesystem::remove_all(folder);
  CHECK(first.exit_code == 0);
  CHECK(first.err.find("is not there") != std::string::npos);
  CHECK(second.err.find("cache: read from") != std::string::npos);
  CHECK(second.out == first.out);
}

TEST_CASE("trace exits 0 for any verdict and 1 when --expect differs") {
  const auto plain = run({"trace", "internet", kUrl, "-f", kCluster, "-q"});
  CHECK(plain.exit_code == 0);
  CHECK(plain.err.empty());
  const auto wrong = run({"trace", "internet", kUrl, "-f", kCluster, "-q", "--expect", "unreachable"});
  CHECK(wrong.exit_code == 1);
  CHECK(wrong.out == plain.out);
  CHECK(wrong.err.find("expected unreachable, predicted ") != std::string::npos);
}

TEST_CASE("a sender that does not exist exits 2 without data") {
  const auto r = run({"trace", "monitoring/nobody", kUrl, "-f", kCluster, "-q"});
  CHECK(r.exit_code == 2);
  CHECK(r.out.empty());
  CHECK(r.err.find("monitoring/nobody") != std::string::npos);
}

TEST_CASE("files that cannot be read and folders without manifests exit 2") {
  CHECK(run({"trace", "internet", kUrl, "-f", "no/such/folder"}).exit_code == 2);
  CHECK(run({"trace", "internet", kUrl, "-f", "tests/support"}).exit_code == 2);
  CHECK(run({"test", "no/such/file.yaml"}).exit_code == 2);
}

TEST_CASE("flags with a wrong value exit 2 and say what to write") {
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--header", "nocolon"},
                                             {"--claim", "noequals"},
                                             {"--source-ip", "1.2.3"},
                                             {"--jwt", "no/such/file"},
                                             {"--istio-version", "latest"},
                                             {"--pod-cidr", "10.0.0.0"},
                                             {"--session", "maybe"},
                                             {"--cni", "weave"},
                                             {"--expect", "yes"}}) {
    INFO(flags.front());
    std::vector<std::string> arguments{"trace", "internet", kUrl, "-f", kCluster};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const auto r = run(arguments);
    CHECK(r.exit_code == 2);
    CHECK(r.out.empty());
    CHECK(r.err.find(flags.front()) != std::string::npos);
  }
}

TEST_CASE("the option --out writes the data to a file and nothing to standard output") {
  const auto file = std::filesystem::temp_directory_path() / "waypath-cli-test.json";
  const auto r = run({"trace", "internet", kUrl, "-f", kCluster, "-q", "-o", "json", "--out", file.string()});
  CHECK(r.exit_code == 0);
  CHECK(r.out.empty());
  CHECK(tests::read_text(file.string()).find("\"apiVersion\": \"waypath.dev/v1\"") != std::string::npos);
  std::filesystem::remove(file);
  CHECK(run({"trace", "internet", kUrl, "-f", kCluster, "-q", "--out", "no/such/folder/x"}).exit_code == 2);
}

TEST_CASE("every format of trace and graph gives something, the same each time and with one thread") {
  for (const auto* format : {"text", "json", "mermaid", "mermaid-sequence", "dot"}) {
    INFO(format);
    const auto one = run({"trace", "internet", kUrl, "-f", kCluster, "-q", "-o", format, "-j", "1"});
    const auto all = run({"trace", "internet", kUrl, "-f", kCluster, "-q", "-o", format});
    CHECK(one.exit_code == 0);
    CHECK_FALSE(one.out.empty());
    CHECK(one.out == all.out);
    CHECK(one.out.find(tests::source_dir()) == std::string::npos);
  }
  CHECK(run({"graph", "-f", kCluster, "-q"}).out.find("flowchart LR") == 0);
  CHECK(run({"graph", "-f", kCluster, "-q", "-o", "dot"}).out.find("digraph") == 0);
  CHECK(run({"graph", "internet", kUrl, "-f", kCluster, "-q"}).out ==
        run({"trace", "internet", kUrl, "-f", kCluster, "-q", "-o", "mermaid"}).out);
  CHECK(run({"graph", "internet", "-f", kCluster}).exit_code == 2);
}

TEST_CASE("the option -n stands for the namespace that FROM leaves out") {
  const auto named = run({"trace", "kiali/deploy/kiali", "http://authservice.authservice:10003", "-f",
                          kCluster, "-q", "-o", "json"});
  const auto short_form = run({"trace", "deploy/kiali", "http://authservice.authservice:10003", "-n", "kiali",
                               "-f", kCluster, "-q", "-o", "json"});
  CHECK(named.exit_code == 0);
  CHECK(named.out == short_form.out);
}

TEST_CASE("explain tells every reason, assumption and diagnostic code at length") {
  const auto list = run({"explain"});
  CHECK(list.exit_code == 0);
  auto codes = sim::all_codes();
  const auto more = model::diagnostic_codes();
  codes.insert(codes.end(), more.begin(), more.end());
  for (const auto& code : codes) {
    INFO(code.code.text);
    CHECK_FALSE(code.summary.empty());
    CHECK(list.out.find(code.code.text) != std::string::npos);
    const auto one = run({"explain", std::string(code.code.text)});
    CHECK(one.exit_code == 0);
    CHECK(one.out.find(code.code.text) == 0);
  }
}

TEST_CASE("explain istio/FROM..TO lists what an upgrade changes, and the way back the same rows") {
  const auto up = run({"explain", "istio/1.23..1.24", "-o", "json"});
  CHECK(up.exit_code == 0);
  CHECK(up.out.find("ingress-use-waypoint") != std::string::npos);
  CHECK(run({"explain", "istio/1.24.0..1.24.0"}).out.find("0 differences") != std::string::npos);
  CHECK(run({"explain", "istio/1.24"}).exit_code == 2);
  CHECK(run({"explain", "istio/new..old"}).exit_code == 2);
}

TEST_CASE("completions name every verb") {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    const auto r = run({"completion", shell});
    CHECK(r.exit_code == 0);
    for (const auto* verb : {"trace", "test", "graph", "explain"})
      CHECK(r.out.find(verb) != std::string::npos);
  }
  CHECK(run({"completion", "tcsh"}).exit_code == 2);
}

#ifdef WAYPATH_BINARY
TEST_CASE("a reader that goes away is no error, a full disk is one") {
  std::filesystem::current_path(tests::source_dir());
  const std::string binary = WAYPATH_BINARY;
  const std::string errors = (std::filesystem::temp_directory_path() / "waypath-cli-test.err").string();
  const auto shell = [](const std::string& command) {
    return std::system(("bash -c '" + command + "'").c_str());
  };
  CHECK(shell("set -o pipefail; \"" + binary + "\" explain -o json 2>" + errors +
              " | head -c 1 >/dev/null; [ ${PIPESTATUS[0]} = 0 ]") == 0);
  CHECK(tests::read_text(errors).empty());
  std::filesystem::remove(errors);
  if (std::filesystem::exists("/dev/full"))
    CHECK(shell("\"" + binary + "\" explain 2>/dev/null >/dev/full; [ $? = 2 ]") == 0);
}
#endif

}  // namespace
}  // namespace waypath
