#pragma once
// Sets of destination ports over TCP, UDP and SCTP, and a table that interns them, so that unions and
// intersections of the few sets a cluster knows are computed once.

#include <boost/icl/interval_set.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/kube/workloads.h"

namespace waypath::sim {

/// Ports 1..65535 of three protocols on one line of numbers: protocol * 65536 + port.
class PortSet {
 public:
  using Ports =
      boost::icl::interval_set<std::uint32_t, std::less, boost::icl::right_open_interval<std::uint32_t>>;

  PortSet() = default;
  [[nodiscard]] static PortSet all();
  [[nodiscard]] static PortSet protocol(model::Protocol p);
  [[nodiscard]] static PortSet range(model::Protocol p, std::uint16_t low,
                                     std::uint16_t high);  // inclusive; empty when low > high
  [[nodiscard]] static PortSet one(model::Protocol p, std::uint16_t port) { return range(p, port, port); }
  /// "all", "none", or "TCP 80,443; UDP 53; SCTP 1-9002,9004-65535"; nullopt for anything else.
  [[nodiscard]] static std::optional<PortSet> parse(std::string_view text);

  [[nodiscard]] bool empty() const { return ports_.empty(); }
  [[nodiscard]] bool is_all() const { return *this == all(); }
  [[nodiscard]] bool contains(model::Protocol p, std::uint16_t port) const;
  /// The form of `parse`: groups by protocol in the order TCP, UDP, SCTP.
  [[nodiscard]] std::string str() const;
  [[nodiscard]] const Ports& ports() const { return ports_; }

  PortSet& operator|=(const PortSet& o);
  PortSet& operator&=(const PortSet& o);
  PortSet& operator-=(const PortSet& o);
  friend PortSet operator|(PortSet a, const PortSet& b) { return a |= b; }
  friend PortSet operator&(PortSet a, const PortSet& b) { return a &= b; }
  friend PortSet operator-(PortSet a, const PortSet& b) { return a -= b; }
  friend bool operator==(const PortSet& a, const PortSet& b) { return a.ports_ == b.ports_; }

 private:
  Ports ports_;
};

/// Port sets as numbers: 0 is none, 1 is all. Not for use by several threads at once. What two sets come to
/// is kept for every pair that was asked; the pairs of late, one to a slot, are found without the maps.
class PortSetTable {
 public:
  using Id = std::uint32_t;
  static constexpr Id kNone = 0, kAll = 1;
  PortSetTable();
  [[nodiscard]] Id id(const PortSet& set);
  [[nodiscard]] const PortSet& set(Id id) const { return sets_[id]; }
  [[nodiscard]] std::size_t size() const { return sets_.size(); }
  [[nodiscard]] Id unite(Id a, Id b);
  [[nodiscard]] Id intersect(Id a, Id b);
  [[nodiscard]] Id subtract(Id a, Id b);

 private:
  std::vector<PortSet> sets_;
  std::map<std::vector<std::uint32_t>, Id> ids_;
  using Pairs = std::unordered_map<std::uint64_t, Id>;
  /// Of two sets under one operation.
  struct Known {
    std::uint64_t key = 0;  // the operation, 1 to 3, above two ids of 30 bits at most; 0: none yet
    Id id = kNone;
  };
  template <class Make>
  [[nodiscard]] Id known(std::uint64_t operation, Pairs& pairs, Id a, Id b, const Make& make);
  Pairs united_, intersected_, subtracted_;
  std::vector<Known> known_;  // 2^kSlotBits: 64 KiB
  static constexpr unsigned kSlotBits = 12;
};

}  // namespace waypath::sim
