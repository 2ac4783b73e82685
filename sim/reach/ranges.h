#pragma once
// The address space outside the cluster, cut where the answer of a policy can change.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/base/ip.h"

namespace waypath::sim {

/// A closed interval of addresses of one family.
struct AddressRange {
  model::IpAddress low, high;
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
  [[nodiscard]] bool contains(const model::IpAddress& a) const {
    return a.is_v4() == low.is_v4() && low <= a && a <= high;
  }
  /// "ext:10.0.0.0-10.255.255.255".
  [[nodiscard]] std::string str() const;
};

[[nodiscard]] AddressRange range_of(const model::Cidr& cidr);
/// Whether `b` starts right after `a` ends.
[[nodiscard]] bool adjacent(const AddressRange& a, const AddressRange& b);

/// The IPv4 space, and the IPv6 space when some block is of that family, cut at the bounds of the blocks. In
/// order of address.
class AddressPartition {
 public:
  explicit AddressPartition(const std::vector<model::Cidr>& blocks);
  [[nodiscard]] const std::vector<AddressRange>& ranges() const { return ranges_; }
  /// Positions [first, second) of the ranges that make up a block.
  [[nodiscard]] std::pair<std::size_t, std::size_t> parts_of(const model::Cidr& block) const;
  /// Ranges that bounds of these blocks cut, by position, each with its pieces in order. The blocks' families
  /// are part.
  struct Cut {
    std::size_t position = 0;
    std::vector<AddressRange> pieces;
  };
  [[nodiscard]] std::vector<Cut> cuts(const std::vector<model::Cidr>& blocks) const;
  /// Position of the range that holds an address; `ranges().size()` when its family is not part.
  [[nodiscard]] std::size_t part_of(const model::IpAddress& address) const;

 private:
  std::vector<AddressRange> ranges_;
};

}  // namespace waypath::sim
