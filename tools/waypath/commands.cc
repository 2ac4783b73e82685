#include "tools/waypath/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>

#include "model/base/edit_distance.h"
#include "model/diagnostic_codes.h"
#include "model/load/manifest_loader.h"
#include "scenarios/runner.h"
#include "sim/engine.h"
#include "sim/jwt.h"
#include "sim/reason_codes.h"
#include "tools/render/render.h"

namespace waypath::tools {
namespace {

using model::Diagnostics;
using model::Severity;

// Prints what was found and says whether the run can go on.
bool print_diagnostics(const Diagnostics& diagnostics, const model::SourceFiles& files,
                       const CommonOptions& o, std::ostream& err) {
  bool usable = true;
  for (const auto& d : diagnostics.sorted(files)) {
    const bool stops = d.severity == Severity::Error && (d.reach == model::Reach::Input || o.strict);
    if (stops) usable = false;
    if (d.severity == Severity::Info && !o.verbose) continue;
    if (d.severity == Severity::Warning && o.quiet) continue;
    err << model::format_diagnostic(d, files);
  }
  return usable;
}

int fail(std::ostream& err, const std::string& message, const std::string& hint) {
  err << "error: " << message << "\n";
  if (!hint.empty()) err << "  hint: " << hint << "\n";
  return 2;
}

int emit(const CommonOptions& o, const std::string& text, int code, std::ostream& out, std::ostream& err) {
  if (o.out_file.empty()) {
    out << text << std::flush;
    return code;
  }
  std::ofstream file(o.out_file, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    return fail(err, "\"" + o.out_file + "\" cannot be written", "check the folder and its permissions");
  return code;
}

TextStyle style_of(const CommonOptions& o) {
  TextStyle style;
  style.verbose = o.verbose;
  style.colour = o.colour == "always" || (o.colour == "auto" && o.out_file.empty() &&
                                          isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr);
  return style;
}

sim::SimOptions sim_options(const CommonOptions& o) {
  sim::SimOptions out;
  out.cni = o.cni == "calico"   ? sim::Cni::Calico
            : o.cni == "cilium" ? sim::Cni::Cilium
            : o.cni == "ovn"    ? sim::Cni::Ovn
                                : sim::Cni::Generic;
  return out;
}

std::shared_ptr<const sim::Engine> load_engine(const CommonOptions& o, std::ostream& err) {
  auto files = o.files;
  if (files.empty()) {
    if (const char* cluster = std::getenv("WAYPATH_CLUSTER"); cluster != nullptr && *cluster != '\0')
      files.emplace_back(cluster);
  }
  if (files.empty()) {
    fail(err, "no manifests given",
         "name them with -f PATH or WAYPATH_CLUSTER; the shipped cluster: -f "
         "scenarios/clusters/bigbang-waypoint");
    return nullptr;
  }
  Diagnostics diagnostics;
  model::LoadOptions load;
  load.jobs = o.jobs;
  load.default_namespace = o.ns;
  auto snapshot = model::load_manifests(files, load, diagnostics);
  if (!print_diagnostics(diagnostics, snapshot.files(), o, err)) return nullptr;
  model::ClusterOptions cluster_options;
  if (!o.istio_version.empty()) {
    cluster_options.version = model::parse_istio_version(o.istio_version);
    if (!cluster_options.version) {
      fail(err, "\"" + o.istio_version + "\" is no Istio version", "write 1.28 or 1.28.3");
      return nullptr;
    }
  }
  for (const auto& text : o.pod_cidrs) {
    const auto cidr = model::parse_cidr(text);
    if (!cidr) {
      fail(err, "--pod-cidr \"" + text + "\" is no CIDR block",
           "write ADDRESS/PREFIX, for example 10.244.0.0/16");
      return nullptr;
    }
    cluster_options.pod_cidrs.push_back(*cidr);
  }
  Diagnostics compile;
  auto cluster = model::Cluster::build(std::move(snapshot), cluster_options, compile);
  auto engine = sim::Engine::build(cluster, sim_options(o), compile);
  return print_diagnostics(compile, cluster->files(), o, err) ? engine : nullptr;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// False after a report of what is wrong.
bool make_flow(const FlowOptions& o, sim::Flow& flow, std::ostream& err) {
  flow.from = o.from;
  flow.to = o.to;
  flow.name = o.from + " -> " + o.to;
  flow.protocol = o.protocol;
  flow.method = o.method;
  flow.connect_to = o.connect_to;
  flow.sni = o.sni;
  using sim::Session;
  flow.session = o.session == "none"          ? Session::None
                 : o.session == "valid"       ? Session::Valid
                 : o.session == "expired"     ? Session::Expired
                 : o.session == "refreshable" ? Session::ExpiredRefreshable
                                              : Session::Unstated;
  for (const auto& header : o.headers) {
    const auto colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      fail(err, "--header \"" + header + "\" has no name", "write \"name: value\"");
      return false;
    }
    auto value = header.substr(colon + 1);
    value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
    flow.headers.emplace_back(lower(header.substr(0, colon)), value);
  }
  if (!o.source_ip.empty()) {
    flow.source_ip = model::parse_ip(o.source_ip);
    if (!flow.source_ip) {
      fail(err, "--source-ip \"" + o.source_ip + "\" is no IP address", "");
      return false;
    }
  }
  if (!o.jwt_file.empty()) {
    std::ifstream in(o.jwt_file, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    text.erase(
        std::find_if(text.rbegin(), text.rend(), [](char c) { return c != '\n' && c != '\r' && c != ' '; })
            .base(),
        text.end());
    if (text.empty()) {
      fail(err, "--jwt \"" + o.jwt_file + "\" cannot be read or is empty",
           "give a file that holds one token");
      return false;
    }
    flow.tokens.push_back(sim::decode_jwt(text));
  }
  if (!o.claims.empty()) {
    sim::Token token;
    for (const auto& claim : o.claims) {
      const auto equals = claim.find('=');
      if (equals == std::string::npos || equals == 0) {
        fail(err, "--claim \"" + claim + "\" has no value", "write key=value");
        return false;
      }
      const auto key = claim.substr(0, equals), value = claim.substr(equals + 1);
      if (key == "iss") {
        token.issuer = value;
      } else if (key == "sub") {
        token.subject = value;
      } else if (key == "aud") {
        token.audiences.push_back(value);
      } else {
        token.claims[key] = sim::Claim{sim::Claim::Kind::String, value, {}, {}};
      }
    }
    flow.tokens.push_back(std::move(token));
  }
  return true;
}

std::optional<sim::Verdict> judge(const CommonOptions& common, const FlowOptions& options,
                                  std::shared_ptr<const sim::Engine>& engine, std::ostream& err) {
  sim::Flow flow;
  if (!make_flow(options, flow, err)) return std::nullopt;
  engine = load_engine(common, err);
  if (engine == nullptr) return std::nullopt;
  Diagnostics diagnostics;
  auto verdict = sim::simulate(*engine, flow, {}, diagnostics);
  if (!print_diagnostics(diagnostics, engine->cluster().files(), common, err)) return std::nullopt;
  return verdict;
}

std::string wrapped(std::string_view label, std::string_view text) {
  return text.empty() ? std::string() : fmt::format("{:<8} {}\n", label, text);
}

}  // namespace

int run_trace(const CommonOptions& common, const FlowOptions& flow, std::ostream& out, std::ostream& err) {
  if (!common.output.empty() && common.output != "text" && common.output != "json")
    return fail(err, "unknown format \"" + common.output + "\"",
                "trace prints text or json; graph draws diagrams");
  std::shared_ptr<const sim::Engine> engine;
  const auto verdict = judge(common, flow, engine, err);
  if (!verdict) return 2;
  const auto& files = engine->cluster().files();
  const int code = flow.expect.empty() || flow.expect == sim::to_string(verdict->outcome) ? 0 : 1;
  if (code != 0)
    err << "expected " << flow.expect << ", predicted " << sim::to_string(verdict->outcome) << "\n";
  return emit(
      common,
      common.output == "json" ? trace_json(*verdict, files) : trace_text(*verdict, files, style_of(common)),
      code, out, err);
}

int run_graph(const CommonOptions& common, const FlowOptions& flow, std::ostream& out, std::ostream& err) {
  const auto& format = common.output;
  if (!format.empty() && format != "mermaid" && format != "mermaid-sequence" && format != "dot")
    return fail(err, "unknown format \"" + format + "\"", "graph draws mermaid, mermaid-sequence or dot");
  std::shared_ptr<const sim::Engine> engine;
  const auto verdict = judge(common, flow, engine, err);
  if (!verdict) return 2;
  return emit(common,
              format == "dot"                ? dot_graph(*verdict)
              : format == "mermaid-sequence" ? mermaid_sequence(*verdict)
                                             : mermaid_flowchart(*verdict),
              0, out, err);
}

int run_test(const CommonOptions& common, const std::vector<std::string>& paths, const std::string& filter,
             std::ostream& out, std::ostream& err) {
  const auto format = report_format(common.output.empty() ? "text" : common.output);
  if (!format)
    return fail(err, "unknown format \"" + common.output + "\"",
                "test prints text, json, junit, tap, markdown or sarif");
  Diagnostics diagnostics;
  model::SourceFiles files;
  scenarios::RunOptions options;
  options.run = filter;
  options.jobs = common.jobs;
  if (!common.istio_version.empty()) options.istio_version = common.istio_version;
  scenarios::Report report;
  scenarios::Runner runner(diagnostics, files);
  for (const auto& path : scenarios::find_scenarios(paths, diagnostics))
    if (const auto scenario = scenarios::read_scenario(path, files, diagnostics))
      runner.run(*scenario, options, report);
  if (!print_diagnostics(diagnostics, files, common, err)) return 2;
  if (report.cases.empty())
    return fail(err, "no case was run", filter.empty() ? "" : "--run \"" + filter + "\" finds none");
  return emit(common, render_report(report, *format, files, style_of(common)), report.failed == 0 ? 0 : 1,
              out, err);
}

int run_explain(const CommonOptions& common, const std::string& what, std::ostream& out, std::ostream& err) {
  auto codes = sim::all_codes();
  const auto diagnostics = model::diagnostic_codes();
  codes.insert(codes.end(), diagnostics.begin(), diagnostics.end());
  std::sort(codes.begin(), codes.end(), [](const auto& a, const auto& b) { return a.code < b.code; });
  if (what.empty()) {
    std::string text;
    for (const auto& c : codes) text += fmt::format("{:<34} {}\n", c.code.text, c.summary);
    return emit(common, text, 0, out, err);
  }
  std::string wanted = what;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c;
  });
  for (const auto& c : codes) {
    if (c.code.text != wanted) continue;
    return emit(common,
                fmt::format("{}: {}\n\n{}{}{}", c.code.text, c.summary, wrapped("means", c.meaning),
                            wrapped("do", c.fix), wrapped("source", c.source)),
                0, out, err);
  }
  std::vector<std::string_view> names;
  for (const auto& c : codes) names.push_back(c.code.text);
  const auto near = model::nearest(wanted, names);
  return fail(err, "there is no code " + wanted,
              near ? "did you mean " + std::string(*near) + "?" : "waypath explain lists all codes");
}

}  // namespace waypath::tools
