// waypath ask X

#include <fmt/format.h>

#include <ostream>

#include "scenarios/ask.h"
#include "tools/render/ask.h"
#include "tools/waypath/app.h"
#include "tools/waypath/ask_options.h"

namespace waypath::tools {
namespace {

// What the flags fix of the request. Nullopt: reported.
std::optional<scenarios::RequestConstraint> constraint_of(const Options& options, const Streams& streams) {
  Options request = options;
  request.flow.method = options.ask.method.value_or("GET");
  const auto flow = flow_of(request, streams);
  if (!flow) return std::nullopt;
  scenarios::RequestConstraint out;
  if (options.ask.method) out.method = flow->method;
  out.path = options.ask.path;
  if (out.path && (out.path->empty() || out.path->front() != '/')) {
    complain(streams, fmt::format("--path: \"{}\" is no path", *out.path), "write --path /admin");
    return std::nullopt;
  }
  out.host = options.ask.host;
  out.headers = flow->headers;
  out.tokens = flow->tokens;
  out.no_token = options.ask.no_token;
  out.session = flow->session;
  if (out.no_token && !out.tokens.empty()) {
    complain(streams, "--no-token and a token exclude each other");
    return std::nullopt;
  }
  return out;
}

}  // namespace

int run_ask(const Options& options, const Streams& streams) {
  const auto constraint = constraint_of(options, streams);
  if (!constraint) return kExitUsage;
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  auto target = asked_target(*engine, options, streams);
  if (!target) return kExitUsage;
  auto avoiding = guard_points(*engine, options.ask.points, "--avoiding", streams);
  if (!avoiding) return kExitUsage;
  scenarios::ClientFilter keep;
  if (!options.ask.from.empty()) {
    std::string error;
    auto filter = scenarios::client_filter(engine->cluster(), options.ask.from, error);
    if (!filter) {
      complain(streams, "--from: " + error,
               "write a namespace, ns/name, ns/deploy/name, internet, an address or node/NAME");
      return kExitUsage;
    }
    keep = std::move(*filter);
  }
  scenarios::SearchOptions how;
  how.constraint = *constraint;
  how.all = !options.ask.any;
  how.budget = options.ask.budget;
  how.jobs = options.common.jobs;
  const auto report = scenarios::run_ask(*engine, std::move(*target), std::move(*avoiding), keep, how);
  const bool colour = options.common.format == "text" && use_colour(options, streams);
  if (!write_data(options, streams,
                  ask_text(report, cluster_words(options), engine->cluster().files(), options.common.format,
                           colour, options.common.verbose)))
    return kExitUsage;
  if (options.ask.expect.empty() || options.ask.expect == ask_verdict(report)) return kExitFine;
  streams.err << fmt::format("expected {}, the answer is {}\n", options.ask.expect, ask_verdict(report));
  return kExitNegative;
}

}  // namespace waypath::tools
