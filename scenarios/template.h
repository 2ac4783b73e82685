#pragma once
// What a scenario file writes once and uses often: variables, and defaults of flows. Both work on the tree,
// before anything is read from it, so that they hold for every key alike.

#include <map>
#include <string>

#include "model/load/decode.h"
#include "model/yaml/node.h"

namespace waypath::scenarios {

/// Values by name; a value is any YAML value. The nodes belong to documents that outlive this.
using Variables = std::map<std::string, const model::yaml::Node*, std::less<>>;

/// A copy of a tree with each ${NAME} replaced. A scalar that is nothing but ${NAME} becomes the value, list
/// or mapping included; within other text a scalar is put in. ${token.NAME} is left alone, $${ stands for ${.
/// Unknown names are reported with the nearest known one.
[[nodiscard]] model::yaml::Document substitute(const model::yaml::Node& root, const Variables& variables,
                                               model::Diagnostics& diagnostics);

/// The document of a scenario with what its `defaults` state put into each of `flows` that does not state it
/// itself. `http`, its headers and `expect` are merged key by key, anything else is replaced. Shares the
/// nodes of `root`, which has to outlive it.
[[nodiscard]] model::yaml::Document with_defaults(const model::yaml::Node& root);

}  // namespace waypath::scenarios
