#pragma once
// The verbs of the command line as plain functions of their options. Exit codes: 0 fine, 1 a negative answer,
// 2 wrong usage or input.

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace waypath::tools {

struct CommonOptions {
  std::vector<std::string> files;  // -f
  std::string ns = "default";      // -n: for objects without a namespace
  std::string istio_version, cni = "generic";
  std::vector<std::string> pod_cidrs;
  std::string output, out_file;  // -o, --out
  std::string colour = "auto";
  bool quiet = false, verbose = false, strict = false;
  unsigned jobs = 0;
};

struct FlowOptions {
  std::string from, to, protocol, method = "GET", session, jwt_file, source_ip, connect_to, sni, expect;
  std::vector<std::string> headers, claims;
};

int run_trace(const CommonOptions& common, const FlowOptions& flow, std::ostream& out, std::ostream& err);
/// One flow's path as a diagram: -o mermaid (flowchart), mermaid-sequence, dot.
int run_graph(const CommonOptions& common, const FlowOptions& flow, std::ostream& out, std::ostream& err);
int run_test(const CommonOptions& common, const std::vector<std::string>& paths, const std::string& filter,
             std::ostream& out, std::ostream& err);
/// A code, or without one the list of all.
int run_explain(const CommonOptions& common, const std::string& what, std::ostream& out, std::ostream& err);

/// Parses the command line and calls a verb.
int run_cli(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace waypath::tools
