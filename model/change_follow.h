#pragma once
// What a change brings with it: live objects follow the manifests they were made from.

#include "model/snapshot.h"

namespace waypath::model {

/// `next` after the controllers have seen the difference from `before`:
/// - pods of a workload that is gone, suspended or has no replicas are removed; pods of one whose template
/// changed take the
///   changed labels, annotations, service account and containers, and keep their addresses;
/// - the Deployment, pods and Service that istiod made for a Gateway take the Gateway's changed labels and
/// listener ports;
/// - addresses of removed pods leave EndpointSlices;
/// - `applied`: what the API server owns (ClusterIPs, status of Gateways, creation time) stays when a
/// manifest without it is
///   applied over the object.
void follow_changes(const Snapshot& before, Snapshot& next, bool applied);

/// Whether a pod counts as one of an object: its workload, its Gateway, its node, a Service or classic
/// Gateway that selects it.
[[nodiscard]] bool pod_belongs(const Snapshot& snapshot, const Pod& pod, const ResourceKey& key);

}  // namespace waypath::model
