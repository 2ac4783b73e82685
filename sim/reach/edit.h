#pragma once
// An edit of policies, and its new policies resolved to the ends of a matrix that was compiled without them.

#include <cstdint>
#include <vector>

#include "sim/reach/base.h"

namespace waypath::sim {

/// Policies to take away and to bring; a changed one is both. `gone` are objects of the base's snapshot.
struct ReachEdit {
  struct Policies {
    std::vector<const model::NetworkPolicy*> network;
    std::vector<const model::ClusterPolicy*> cluster;
  };
  Policies gone, come;
};

/// Part of an end of the base: of a range of addresses, or of the pods of a class, that blocks which the base
/// does not have part by their addresses.
struct ReachPiece {
  std::uint32_t parent = 0;
  AddressRange range;                // of a range
  std::vector<model::PodId> pods{};  // of a class
};

struct ReachResolved {
  ReachExtra extra;
  std::vector<ReachPiece> pieces;  // of `extra.ends`, by position
  std::vector<ReachPiece> rests;   // what their parents stand for now, by parent
};

/// Selectors and names of ports part no class of the base. Bounds of new blocks cut ranges and, where blocks
/// select pods, classes; the first piece stays with the parent.
[[nodiscard]] ReachResolved resolve(const ReachBase& base, const ReachEdit& edit);

}  // namespace waypath::sim
