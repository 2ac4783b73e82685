#pragma once
// Labels that charts put on all their objects for people to read. They change with every release.

#include <vector>

#include "model/snapshot.h"

namespace waypath::model {

/// Those of them (helm.sh/chart, app.kubernetes.io/version, ...) that nothing of the snapshot can read: no
/// object has the key in a selector, an expression or a text, only labels have it. What istiod's own say of
/// Istio's version is Cluster::profile's business. Source: helm.sh/docs/chart_best_practices/labels
[[nodiscard]] std::vector<Symbol> unread_descriptive_labels(const Snapshot& snapshot);

}  // namespace waypath::model
