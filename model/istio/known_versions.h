#pragma once
// Which Istio versions the table of model/istio/profile.cc tells about.

#include "model/istio/profile.h"

namespace waypath::model {

/// The version itself when the table knows its minor release; else the oldest or newest one that it knows.
[[nodiscard]] IstioVersion nearest_known_version(IstioVersion version);

}  // namespace waypath::model
