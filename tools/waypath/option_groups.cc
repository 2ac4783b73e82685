#include "tools/waypath/option_groups.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

namespace waypath::tools {

void add_common(CLI::App& app, CommonOptions& c, const std::vector<std::string>& formats) {
  c.format = formats.front();
  app.add_option("-o,--output", c.format, "Format: " + fmt::format("{}", fmt::join(formats, ", ")))
      ->check(CLI::IsMember(formats))
      ->type_name("FORMAT");
  app.add_option("--out", c.out, "Write to this file instead of standard output")->type_name("FILE");
  app.add_option("--color", c.colour, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN");
  app.add_flag("-q,--quiet", c.quiet, "No warnings, only errors");
  app.add_flag("-v,--verbose", c.verbose, "Every policy considered, every remark");
  app.add_option("-j,--jobs", c.jobs, "Threads; 0 = all cores")->type_name("N");
}

void add_cache(CLI::App& app, Options& o) {
  app.add_option("--cache", o.cluster.cache,
                 "Directory for images of what was decoded: the same input is not decoded again. Without it "
                 "WAYPATH_CACHE")
      ->type_name("DIR");
}

void add_cluster(CLI::App& app, Options& o) {
  app.add_option("-f,--filename", o.cluster.files,
                 "Manifests: a file, a directory with all below it, git:REV:PATH, or - for standard input; "
                 "repeatable. Without it WAYPATH_CLUSTER")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("-n,--namespace", o.cluster.default_namespace, "Namespace of what names none")
      ->type_name("NS");
  app.add_flag("-A,--all-namespaces", o.cluster.all_namespaces,
               "All namespaces of the manifests, as without -n");
  app.add_option("--istio-version", o.cluster.istio_version,
                 "Istio's version, 1.28 or 1.28.3; default: as the manifests show")
      ->type_name("V");
  app.add_option("--cni", o.cluster.cni, "How NetworkPolicy is enforced: generic, calico, cilium, ovn")
      ->check(CLI::IsMember({"generic", "calico", "cilium", "ovn"}))
      ->type_name("CNI");
  app.add_option("--pod-cidr", o.cluster.pod_cidrs, "Range of pod addresses; repeatable")
      ->type_name("CIDR")
      ->allow_extra_args(false);
  add_cache(app, o);
  app.add_flag("--strict", o.common.strict,
               "An object that the API server or kubectl would refuse is exit 2");
}

void add_flow(CLI::App& app, FlowOptions& f, bool required) {
  auto* from = app.add_option("from", f.from, "Who sends")->type_name("FROM");
  auto* to = app.add_option("to", f.to, "Where to")->type_name("TO");
  if (required) {
    from->required();
    to->required();
  }
  app.add_option("--method", f.method, "HTTP method")->type_name("METHOD");
  app.add_option("--header", f.headers, "Request header 'name: value'; repeatable")
      ->type_name("K:V")
      ->allow_extra_args(false);
  app.add_option("--claim", f.claims, "Claim of a valid token, iss and sub included; repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  app.add_option("--jwt", f.jwt_file, "File with the token that is sent")->type_name("FILE");
  app.add_option("--session", f.session,
                 "Login session behind the browser's cookie: none, valid, expired, refreshable")
      ->check(CLI::IsMember({"none", "valid", "expired", "refreshable"}))
      ->type_name("STATE");
  app.add_option("--protocol", f.protocol, "When TO has no scheme: http, https, grpc, tcp, tls, udp, sctp")
      ->check(CLI::IsMember({"http", "https", "grpc", "tcp", "tls", "udp", "sctp"}))
      ->type_name("P");
  app.add_option("--sni", f.sni, "TLS server name, when it is not the host")->type_name("NAME");
  app.add_option("--source-ip", f.source_ip, "Address of a client outside the cluster")->type_name("IP");
  app.add_option("--connect-to", f.connect_to, "Dial this host:port, whatever the URL says")
      ->type_name("ADDR");
  app.add_option("--tunnel", f.tunnel, "hbone: the client itself speaks HBONE to the destination")
      ->check(CLI::IsMember({"hbone"}))
      ->type_name("T");
}

void add_diagram(CLI::App& app, DiagramSelection& d) {
  app.add_option("--focus", d.focus,
                 "Draw only NAMESPACE or NAMESPACE/NAME (with *) and what is --depth edges away; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--depth", d.depth, "Edges around --focus; default: 1")->type_name("N");
  app.add_flag("--each", d.each, "Draw equal workloads one by one, and never by namespace");
}

void add_shard(CLI::App& app, Options& o) {
  app.add_option("--shard", o.shard,
                 "Only part I of N (from 0), to a file or directory --out for `merge`. auto/N: I is "
                 "JOB_COMPLETION_INDEX; auto: N is WAYPATH_SHARDS, too")
      ->type_name("I/N");
}

void add_changes(CLI::App& app, Options& o) {
  app.add_option(
         "--change", o.plan.changes,
         "Manifests to apply, a directory of them, or a file with a `change:` list; repeatable, made in "
         "order")
      ->type_name("PATH")
      ->allow_extra_args(false);
}

void add_comparison(CLI::App& app, Options& o) {
  app.add_option(
         "--scenario", o.plan.scenario,
         "Ask the flows of this scenario, with what it assumes; default: every workload to every Service "
         "port, and the outside to every host of the gateways")
      ->type_name("FILE");
  add_diagram(app, o.diagram);
  add_cluster(app, o);
  add_common(app, o.common, {"text", "json", "markdown", "mermaid", "dot"});
}

}  // namespace waypath::tools
