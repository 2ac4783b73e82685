#include "sim/match/port_set.h"

#include <array>
#include <charconv>

namespace waypath::sim {
namespace {

using model::Protocol;

constexpr std::uint32_t kSpan = 65536;
constexpr std::array kProtocols{Protocol::Tcp, Protocol::Udp, Protocol::Sctp};

std::uint32_t base(Protocol p) { return static_cast<std::uint32_t>(p) * kSpan; }

std::optional<std::uint16_t> number(std::string_view text) {
  std::uint16_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out == 0) return std::nullopt;
  return out;
}

/// Takes the text up to `mark` off `rest`.
std::string_view next(std::string_view& rest, std::string_view mark) {
  const auto at = rest.find(mark);
  const std::string_view head = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + mark.size());
  return head;
}

}  // namespace

PortSet PortSet::range(Protocol p, std::uint16_t low, std::uint16_t high) {
  PortSet out;
  if (low == 0) low = 1;
  if (low <= high) out.ports_.add(Ports::interval_type(base(p) + low, base(p) + high + 1U));
  return out;
}

PortSet PortSet::protocol(Protocol p) { return range(p, 1, 65535); }

PortSet PortSet::all() {
  static const PortSet every = protocol(Protocol::Tcp) | protocol(Protocol::Udp) | protocol(Protocol::Sctp);
  return every;
}

std::optional<PortSet> PortSet::parse(std::string_view text) {
  if (text == "all") return all();
  PortSet out;
  if (text == "none") return out;
  while (!text.empty()) {
    std::string_view group = next(text, "; ");
    const std::string_view name = next(group, " ");
    std::optional<Protocol> protocol;
    for (const Protocol p : kProtocols)
      if (name == model::to_string(p)) protocol = p;
    if (!protocol || group.empty()) return std::nullopt;
    while (!group.empty()) {
      std::string_view item = next(group, ",");
      const auto low = number(next(item, "-"));
      const auto high = item.empty() ? low : number(item);
      if (!low || !high || *low > *high) return std::nullopt;
      out |= range(*protocol, *low, *high);
    }
  }
  if (out.empty()) return std::nullopt;
  return out;
}

bool PortSet::contains(Protocol p, std::uint16_t port) const {
  return boost::icl::contains(ports_, base(p) + port);
}

std::string PortSet::str() const {
  if (empty()) return "none";
  if (is_all()) return "all";
  std::string out;
  for (const Protocol p : kProtocols) {
    std::string group;
    for (const auto& interval : ports_) {
      if (interval.lower() / kSpan != static_cast<std::uint32_t>(p)) continue;
      const auto low = interval.lower() % kSpan, high = (interval.upper() - 1) % kSpan;
      group.append(group.empty() ? "" : ",").append(std::to_string(low));
      if (high != low) group.append("-").append(std::to_string(high));
    }
    if (!group.empty())
      out.append(out.empty() ? "" : "; ").append(model::to_string(p)).append(" ").append(group);
  }
  return out;
}

PortSet& PortSet::operator|=(const PortSet& o) {
  ports_ += o.ports_;
  return *this;
}
PortSet& PortSet::operator&=(const PortSet& o) {
  ports_ &= o.ports_;
  return *this;
}
PortSet& PortSet::operator-=(const PortSet& o) {
  ports_ -= o.ports_;
  return *this;
}

PortSetTable::PortSetTable() : known_(std::size_t{1} << kSlotBits) {
  static_cast<void>(id(PortSet()));
  static_cast<void>(id(PortSet::all()));
}

PortSetTable::Id PortSetTable::id(const PortSet& set) {
  std::vector<std::uint32_t> key;
  for (const auto& interval : set.ports()) {
    key.push_back(interval.lower());
    key.push_back(interval.upper());
  }
  const auto [at, added] = ids_.emplace(std::move(key), static_cast<Id>(sets_.size()));
  if (added) sets_.push_back(set);
  return at->second;
}

template <class Make>
PortSetTable::Id PortSetTable::known(std::uint64_t operation, Pairs& pairs, Id a, Id b, const Make& make) {
  const std::uint64_t pair = std::uint64_t{a} << 32U | b, key = operation << 62U | pair;
  Known& slot = known_[key * 0x9E3779B97F4A7C15ULL >> (64U - kSlotBits)];
  if (slot.key == key) return slot.id;
  const auto [at, added] = pairs.try_emplace(pair, kNone);
  if (added) at->second = id(make(sets_[a], sets_[b]));
  slot = {key, at->second};
  return slot.id;
}

PortSetTable::Id PortSetTable::unite(Id a, Id b) {
  if (a == b || b == kNone || a == kAll) return a;
  if (a == kNone || b == kAll) return b;
  if (a > b) std::swap(a, b);
  return known(1, united_, a, b, [](const PortSet& x, const PortSet& y) { return x | y; });
}

PortSetTable::Id PortSetTable::intersect(Id a, Id b) {
  if (a == b || b == kAll || a == kNone) return a;
  if (a == kAll || b == kNone) return b;
  if (a > b) std::swap(a, b);
  return known(2, intersected_, a, b, [](const PortSet& x, const PortSet& y) { return x & y; });
}

PortSetTable::Id PortSetTable::subtract(Id a, Id b) {
  if (a == kNone || b == kNone) return a;
  if (a == b || b == kAll) return kNone;
  return known(3, subtracted_, a, b, [](const PortSet& x, const PortSet& y) { return x - y; });
}

}  // namespace waypath::sim
