#pragma once
// Flags that several verbs share, each group in one place.

#include <string>
#include <vector>

#include "tools/waypath/options.h"

namespace CLI {
class App;
}

namespace waypath::tools {

/// -o with these formats (the first is the default), --out, --color, -q, -v, -j.
void add_common(CLI::App& app, CommonOptions& c, const std::vector<std::string>& formats);
/// --cache.
void add_cache(CLI::App& app, Options& o);
/// -f and how the manifests are read.
void add_cluster(CLI::App& app, Options& o);
/// FROM, TO and the request.
void add_flow(CLI::App& app, FlowOptions& f, bool required);
/// --focus, --depth, --each.
void add_diagram(CLI::App& app, DiagramSelection& d);
/// --shard.
void add_shard(CLI::App& app, Options& o);
/// --change.
void add_changes(CLI::App& app, Options& o);
/// What plan and diff share.
void add_comparison(CLI::App& app, Options& o);

}  // namespace waypath::tools
