// The first five minutes: what to do next, completions, the manual page, kubectl-waypath, slips in names of
// Services.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/tools/run.h"
#include "tools/waypath/app.h"
#include "tools/waypath/command_line.h"
#include "tools/waypath/next_steps.h"

namespace waypath {
namespace {

using tests::run;

TEST_CASE("without arguments the first command named works as it stands") {
  const auto r = run({});
  CHECK(r.exit_code == 2);
  CHECK(r.out.empty());
  const std::string example = tools::example_cluster();
  REQUIRE_FALSE(example.empty());
  CHECK(r.err.find("-f " + example) != std::string::npos);
  CHECK(r.err.find("waypath snapshot live/") != std::string::npos);
  CHECK(
      run({"trace", "internet", "https://prometheus.dev.bigbang.mil/graph", "-f", example, "-q"}).exit_code ==
      0);
}

TEST_CASE("called as kubectl-waypath every hint says kubectl waypath") {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"trcae"}, {"trace", "a", "b", "--methd", "x"}, {"trace", "a"}}) {
    std::ostringstream out, err;
    CHECK(tools::run_app(arguments, "/usr/bin/kubectl-waypath", tools::Streams{out, err, false, false}) == 2);
    INFO(err.str());
    CHECK(err.str().find("kubectl waypath") != std::string::npos);
  }
}

TEST_CASE("a slip in the name of a Service gets the nearest one") {
  const auto r = run({"trace", "kiali/deploy/kiali", "http://grafna.monitoring:80", "-f",
                      "scenarios/clusters/bigbang-waypoint"});
  CHECK(r.out.find("near: grafana.monitoring") != std::string::npos);
}

TEST_CASE("a slip in a public name gets the nearest one, one in a port where the name is answered for") {
  const auto trace = [](const std::string& url) {
    return run({"trace", "internet", url, "-q", "-f", "scenarios/clusters/bigbang-waypoint"}).out;
  };
  const auto name = trace("https://prometheus.dev.bigbang.mill/graph");
  CHECK(name.find("dns NXDOMAIN") != std::string::npos);
  CHECK(name.find("prometheus.dev.bigbang.mil\n") != std::string::npos);
  const auto port = trace("https://prometheus.dev.bigbang.mil:8444/graph");
  CHECK(port.find("connect timeout or refused") != std::string::npos);
  CHECK(port.find("443 (TLS)") != std::string::npos);
  // The port is there, and speaks TLS.
  CHECK(trace("http://prometheus.dev.bigbang.mil:443/graph").find("connection reset") != std::string::npos);
  CHECK(trace("https://elsewhere.example.com/").find("near") == std::string::npos);
}

TEST_CASE("a folder of what has no effect says what it holds, one of a Kustomization that it is not built") {
  const auto folder = std::filesystem::temp_directory_path() / "waypath-first-minutes";
  std::filesystem::create_directories(folder);
  const auto file = (folder / "manifest.yaml").string();
  const auto lint = [&](const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
    return run({"lint", "-f", file});
  };
  const auto secret =
      lint("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: a}\ndata: {password: aGVsbG8=}\n");
  CHECK(secret.exit_code == 2);
  CHECK(secret.err.find("has an effect on traffic: 1 Secret") != std::string::npos);
  const auto kustomization = lint(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\nspec: {containers: [{name: c, image: "
      "c}]}\n"
      "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [pod.yaml]\n");
  CHECK(kustomization.exit_code == 0);
  CHECK(kustomization.err.find("kubectl kustomize DIR") != std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("the description of the command line has every verb, flag and value") {
  const auto line = tools::command_line();
  const auto verb = [&](const std::string& name) {
    return *std::find_if(line.verbs.begin(), line.verbs.end(), [&](const auto& v) { return v.name == name; });
  };
  const auto trace = verb("trace");
  CHECK(trace.positionals.size() == 2);
  const auto output = std::find_if(trace.flags.begin(), trace.flags.end(),
                                   [](const auto& f) { return f.names.front() == "-o"; });
  REQUIRE(output != trace.flags.end());
  CHECK(output->names == std::vector<std::string>{"-o", "--output"});
  CHECK(output->values == std::vector<std::string>{"text", "json", "mermaid", "mermaid-sequence", "dot"});
  const auto quiet = std::find_if(trace.flags.begin(), trace.flags.end(),
                                  [](const auto& f) { return f.names.front() == "-q"; });
  REQUIRE(quiet != trace.flags.end());
  CHECK(quiet->type.empty());
  for (const auto& v : line.verbs) {
    INFO(v.name);
    CHECK_FALSE(v.about.empty());
    CHECK_FALSE(v.footer.empty());
    for (const auto& flag : v.flags) CHECK_FALSE(flag.about.empty());
  }
}

TEST_CASE("the manual page holds every verb and flag, and no line that roff takes for a request") {
  const auto r = run({"man"});
  CHECK(r.exit_code == 0);
  for (const auto& verb : tools::command_line().verbs) {
    CHECK(r.out.find(".SS waypath " + verb.name + "\n") != std::string::npos);
    for (const auto& flag : verb.flags) {
      std::string name = flag.names.back();
      for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2)
        name.replace(at, 1, "\\-");
      INFO(name);
      CHECK(r.out.find(name) != std::string::npos);
    }
  }
  std::istringstream in(r.out);
  for (std::string text; std::getline(in, text);) {
    if (text.empty() || (text[0] != '.' && text[0] != '\'')) continue;
    const std::string request = text.substr(0, text.find(' '));
    INFO(text);
    CHECK(std::string(".TH .SH .SS .TP .PP .B .br .nf .fi").find(request) != std::string::npos);
  }
}

#ifdef WAYPATH_BINARY
std::string bash_completes(const std::string& words, int position) {
  const std::string script =
      std::string("bash -c 'source <(") + WAYPATH_BINARY + " completion bash); COMP_WORDS=(" + words +
      "); COMP_CWORD=" + std::to_string(position) + "; _waypath; echo \"${COMPREPLY[*]}\"'";
  std::string out;
  FILE* pipe = popen(script.c_str(), "r");
  REQUIRE(pipe != nullptr);
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out.push_back(static_cast<char>(c));
  CHECK(pclose(pipe) == 0);
  return out;
}

TEST_CASE("bash completes verbs, flags, values and codes") {
  CHECK(bash_completes("waypath tra", 1) == "trace\n");
  CHECK(bash_completes("waypath trace a b --sess", 4) == "--session\n");
  CHECK(bash_completes("waypath trace -o mermaid", 3) == "mermaid mermaid-sequence\n");
  CHECK(bash_completes("waypath explain NETPOL_INGRESS_HBONE", 2) == "NETPOL_INGRESS_HBONE_PORT\n");
  CHECK(bash_completes("waypath completion z", 2) == "zsh\n");
  CHECK(bash_completes("waypath trace -f ", 3) == "\n");
}
#endif

}  // namespace
}  // namespace waypath
