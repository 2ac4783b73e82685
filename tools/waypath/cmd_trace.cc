// waypath trace FROM TO

#include <fmt/format.h>

#include <ostream>

#include "tools/render/diagram.h"
#include "tools/render/json.h"
#include "tools/render/trace_text.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

int run_trace(const Options& options, const Streams& streams) {
  const auto flow = flow_of(options, streams);
  if (!flow) return kExitUsage;
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  const auto verdict = verdict_of(*engine, *flow, options, streams);
  if (!verdict) return kExitUsage;
  const auto& files = engine->cluster().files();
  std::string text;
  if (options.common.format == "text") {
    TextOptions how;
    how.colour = use_colour(options, streams);
    how.verbose = options.common.verbose;
    text = trace_text(*verdict, files, how);
  } else if (options.common.format == "json") {
    text = trace_json(*verdict, files);
  } else {
    text = path_diagram(*verdict, options.common.format);
  }
  if (!write_data(options, streams, text)) return kExitUsage;
  if (options.flow.expect.empty() || options.flow.expect == to_string(verdict->outcome)) return kExitFine;
  streams.err << fmt::format("expected {}, predicted {}\n", options.flow.expect, to_string(verdict->outcome));
  return kExitNegative;
}

}  // namespace waypath::tools
