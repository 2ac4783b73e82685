#pragma once
// What each verb is and which flags it takes: a row a verb, in the order of --help.

#include <vector>

#include "tools/waypath/options.h"

namespace CLI {
class App;
}

namespace waypath::tools {

struct VerbOptions {
  const char* name;
  Verb verb;
  const char *about, *examples;
  void (*add)(CLI::App& app, Options& o);  // its flags; `o` keeps its address
};
[[nodiscard]] const std::vector<VerbOptions>& verb_options();

}  // namespace waypath::tools
