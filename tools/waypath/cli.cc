// The command line itself: verbs, flags, help. The only user of CLI11.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <ostream>

#include "model/base/edit_distance.h"
#include "model/base/version.h"
#include "tools/waypath/commands.h"

namespace waypath::tools {
namespace {

constexpr std::array<std::string_view, 4> kVerbs{"trace", "test", "graph", "explain"};

void cluster_flags(CLI::App& app, CommonOptions& o) {
  app.add_option("-f,--filename", o.files,
                 "Manifests: file, directory with all below it, or - for standard input; repeatable. "
                 "Default: WAYPATH_CLUSTER")
      ->type_name("PATH");
  app.add_option("-n,--namespace", o.ns, "Namespace of objects that name none")
      ->type_name("NS")
      ->capture_default_str();
  app.add_option("--istio-version", o.istio_version,
                 "1.24 or 1.24.3; default: what the manifests show, else the newest known")
      ->type_name("VERSION");
  app.add_option("--cni", o.cni, "How NetworkPolicy is enforced")
      ->check(CLI::IsMember({"generic", "calico", "cilium", "ovn"}))
      ->capture_default_str();
  app.add_option("--pod-cidr", o.pod_cidrs, "Range that pod addresses come from; repeatable")
      ->type_name("CIDR");
  app.add_flag("--strict", o.strict, "Objects that the API server would refuse are errors of the run");
}

void output_flags(CLI::App& app, CommonOptions& o, const char* formats) {
  app.add_option("-o,--output", o.output, std::string("Format: ") + formats)->type_name("FORMAT");
  app.add_option("--out", o.out_file, "Write to a file instead of standard output")->type_name("FILE");
  app.add_option("--color,--colour", o.colour, "Colour of text output")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.add_flag("-q,--quiet", o.quiet, "No warnings");
  app.add_flag("-v,--verbose", o.verbose, "Every policy considered; information as well as warnings");
  app.add_option("-j,--jobs", o.jobs, "Threads; 0 = all cores")->type_name("N")->capture_default_str();
}

void flow_flags(CLI::App& app, FlowOptions& o) {
  app.add_option("FROM", o.from, "ns/pod, ns/deploy/name, internet, an address, node/NAME, kubelet/NAME")
      ->required();
  app.add_option("TO", o.to, "URL or host:port")->required();
  app.add_option("--protocol", o.protocol,
                 "http, https, grpc, h2c, tcp, tls, udp, sctp; default: by the URL");
  app.add_option("--method", o.method, "HTTP method")->capture_default_str();
  app.add_option("--header,-H", o.headers, "HTTP header \"name: value\"; repeatable")->type_name("HEADER");
  app.add_option("--claim", o.claims,
                 "Claim of a valid token, key=value (iss, sub, aud or any other); repeatable")
      ->type_name("K=V");
  app.add_option("--jwt", o.jwt_file, "File with a token that is sent as bearer token")->type_name("FILE");
  app.add_option("--session", o.session, "Login session of the client")
      ->check(CLI::IsMember({"none", "valid", "expired", "refreshable"}));
  app.add_option("--source-ip", o.source_ip, "Address of a client outside the cluster")->type_name("IP");
  app.add_option("--connect-to", o.connect_to, "Dial this host:port instead of the URL's")
      ->type_name("HOST:PORT");
  app.add_option("--sni", o.sni, "TLS server name when it is not the URL's host")->type_name("NAME");
}

int usage_error(std::ostream& err, const std::string& message, const std::string& hint) {
  err << "error: " << message << "\n";
  if (!hint.empty()) err << "  hint: " << hint << "\n";
  return 2;
}

// The nearest verb or flag to what was typed.
std::string suggestion(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> known(kVerbs.begin(), kVerbs.end());
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    for (const auto* option : sub->get_options())
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  std::vector<std::string_view> views(known.begin(), known.end());
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (std::find(views.begin(), views.end(), word) != views.end()) continue;
    if (i != 1 && word.substr(0, 2) != "--") continue;
    if (const auto near = model::nearest(word, views)) return "did you mean \"" + std::string(*near) + "\"? ";
  }
  return {};
}

}  // namespace

int run_cli(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  CLI::App app{
      "waypath predicts what happens to requests in a Kubernetes cluster with Istio ambient, from manifests "
      "alone:\n"
      "allow, deny, timeout, unreachable or unknown, hop by hop, with the policy, file and line that "
      "decided.",
      "waypath"};
  app.set_version_flag("--version", std::string("waypath ") + std::string(model::kVersion));
  app.footer(
      "Examples:\n"
      "  waypath trace internet https://prometheus.dev.bigbang.mil/graph --session valid -f "
      "scenarios/clusters/bigbang-waypoint\n"
      "  waypath test scenarios\n"
      "  waypath graph internet https://prometheus.dev.bigbang.mil/graph -o mermaid -f "
      "scenarios/clusters/bigbang-waypoint\n"
      "  waypath explain NETPOL_INGRESS_HBONE_PORT\n"
      "Exit codes: 0 fine, 1 a negative answer, 2 wrong usage or input.");
  app.require_subcommand(0, 1);
  CommonOptions common;
  FlowOptions flow;
  std::vector<std::string> paths;
  std::string filter, what;

  auto* trace = app.add_subcommand("trace", "Follow one request and say what happens to it");
  flow_flags(*trace, flow);
  cluster_flags(*trace, common);
  output_flags(*trace, common, "text, json");
  trace->add_option("--expect", flow.expect, "Exit 1 unless this is the outcome")
      ->check(CLI::IsMember({"allow", "deny", "timeout", "unreachable", "unknown"}));
  trace->footer(
      "Examples:\n"
      "  waypath trace internet https://prometheus.dev.bigbang.mil/graph --session none -f "
      "scenarios/clusters/bigbang-waypoint\n"
      "  waypath trace monitoring/deploy/grafana http://monitoring-monitoring-kube-prometheus:9090/ -f "
      "manifests/ -o json\n"
      "  kubectl get all,netpol,authorizationpolicies -A -o yaml | waypath trace a/deploy/b c.d:80 -f - "
      "--expect allow");

  auto* test = app.add_subcommand("test", "Run scenario files and compare with what they expect");
  test->add_option("PATH", paths, "Scenario files, or directories with all below them")->required();
  test->add_option("--run", filter,
                   "Only cases whose \"scenario / variant / flow\" this expression finds (RE2)")
      ->type_name("REGEX");
  test->add_option("--istio-version", common.istio_version, "Instead of the scenarios' versions")
      ->type_name("VERSION");
  output_flags(*test, common, "text, json, junit, tap, markdown, sarif");
  test->footer(
      "Examples:\n  waypath test scenarios/bigbang\n  waypath test scenarios -o junit --out report.xml\n  "
      "waypath test scenarios --run 'waypoint-mode.*session'");

  auto* graph = app.add_subcommand("graph", "Draw the path of one request");
  flow_flags(*graph, flow);
  cluster_flags(*graph, common);
  output_flags(*graph, common, "mermaid, mermaid-sequence, dot");
  graph->footer(
      "Examples:\n  waypath graph internet https://grafana.dev.bigbang.mil/ -f "
      "scenarios/clusters/bigbang-waypoint\n  waypath graph a/deploy/b c.d:80 -f manifests/ -o "
      "mermaid-sequence");

  auto* explain = app.add_subcommand("explain", "Say what a reason, assumption or diagnostic code means");
  explain->add_option("CODE", what, "The code; without it all are listed");
  output_flags(*explain, common, "text");
  explain->footer("Examples:\n  waypath explain\n  waypath explain ZTUNNEL_NO_ALLOW_MATCH");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    out << (chosen.empty() ? app.help() : chosen.front()->help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    out << "waypath " << model::kVersion << "\n";
    return 0;
  } catch (const CLI::ParseError& e) {
    return usage_error(err, e.what(), suggestion(app, argc, argv) + "waypath --help lists verbs and flags");
  }
  if (trace->parsed()) return run_trace(common, flow, out, err);
  if (test->parsed()) return run_test(common, paths, filter, out, err);
  if (graph->parsed()) return run_graph(common, flow, out, err);
  if (explain->parsed()) return run_explain(common, what, out, err);
  return usage_error(err, "no verb given",
                     "try: waypath trace internet https://prometheus.dev.bigbang.mil/graph -f "
                     "scenarios/clusters/bigbang-waypoint, or waypath --help");
}

}  // namespace waypath::tools
