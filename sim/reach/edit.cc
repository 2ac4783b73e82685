#include "sim/reach/edit.h"

#include <algorithm>
#include <map>
#include <utility>

namespace waypath::sim {
namespace {

using model::Cidr;
using model::ClusterPolicy;
using model::NetworkPolicy;

class Resolver {
 public:
  explicit Resolver(const ReachBase& base)
      : base_(base),
        classes_(base.classes()),
        count_(static_cast<std::uint32_t>(base.classes().classes().size())),
        sure_(base.words(), 0),
        maybe_(base.words(), 0) {}

  ReachResolved run(const ReachEdit::Policies& come) {
    cut(come);
    for (const auto* policy : come.network) add(*policy);
    for (const auto* policy : come.cluster) add(*policy);
    return std::move(out_);
  }

 private:
  // ---- ends ----

  void cut(const ReachEdit::Policies& come) {
    std::vector<Cidr> blocks;
    for (const auto* policy : come.network) add_blocks(*policy, blocks);
    bool nodes = false;
    for (const auto* policy : come.cluster) {
      add_blocks(*policy, blocks);
      nodes = nodes || selects_nodes(*policy);
    }
    if (nodes) add_node_addresses(base_.cluster(), blocks);
    out_.extra.first_end = base_.words() * kWordBits;
    const auto cuts = classes_.ranges().cuts(blocks);
    for (const auto& c : cuts) {
      const std::uint32_t parent = count_ + static_cast<std::uint32_t>(c.position);
      out_.rests.push_back({parent, c.pieces.front(), {}});
      for (std::size_t p = 1; p < c.pieces.size(); ++p)
        piece({parent, c.pieces[p], {}}, {{}, {}, c.pieces[p].low, {}});
    }
    if (!cuts.empty() && base_.match().profile.ipblock_selects_pods) cut_classes(cuts);
    std::sort(out_.rests.begin(), out_.rests.end(),
              [](const ReachPiece& a, const ReachPiece& b) { return a.parent < b.parent; });
  }

  void piece(ReachPiece piece, NetPeer peer) {
    out_.extra.ends.push_back({piece.parent, std::move(peer)});
    out_.pieces.push_back(std::move(piece));
  }

  // Pods of a class have their addresses in the same ranges; now perhaps in other pieces of them.
  void cut_classes(const std::vector<AddressPartition::Cut>& cuts) {
    std::vector<std::uint32_t> some;
    for (const auto& c : cuts) {
      const auto range = static_cast<std::uint32_t>(c.position);
      for (auto at = std::lower_bound(base_.in_range().begin(), base_.in_range().end(), std::pair(range, 0U));
           at != base_.in_range().end() && at->first == range; ++at)
        some.push_back(at->second);
    }
    std::sort(some.begin(), some.end());
    some.erase(std::unique(some.begin(), some.end()), some.end());
    const auto lies_in = [&](model::PodId pod) {
      std::vector<std::size_t> out;
      for (const auto& ip : base_.cluster().pod(pod).ips)
        for (std::size_t c = 0; c < cuts.size(); ++c)
          for (std::size_t p = 0; p < cuts[c].pieces.size(); ++p)
            if (cuts[c].pieces[p].contains(ip)) out.insert(out.end(), {c, p});
      return out;
    };
    for (const std::uint32_t of : some) {
      std::map<std::vector<std::size_t>, std::vector<model::PodId>> by_piece;
      for (const model::PodId pod : base_.pods_of(of)) by_piece[lies_in(pod)].push_back(pod);
      if (by_piece.size() == 1) continue;
      const auto stays = by_piece.find(lies_in(classes_.classes()[of].pod));
      out_.rests.push_back({of, {}, std::move(stays->second)});
      by_piece.erase(stays);
      for (auto& [where, pods] : by_piece) {
        const model::PodId first = pods.front();
        piece({of, {}, std::move(pods)}, {first, {}, {}, {}});
      }
    }
  }

  // ---- peers ----

  static void set(std::vector<std::uint64_t>& words, std::uint32_t end) {
    words[end / kWordBits] |= std::uint64_t{1} << (end % kWordBits);
  }
  void add(std::uint32_t end, Fit fit) {
    if (fit != Fit::No) set(fit == Fit::Yes ? sure_ : maybe_, end);
  }

  void select(const std::vector<std::uint32_t>& positions) {
    for (const std::uint32_t p : positions) set(sure_, p);
  }

  void block(const Cidr& cidr, const std::vector<Cidr>& except) {
    const auto& ranges = classes_.ranges();
    const auto [first, last] = ranges.parts_of(cidr);
    std::size_t from = first;
    // Holes in order, perhaps within each other.
    std::vector<std::pair<std::size_t, std::size_t>> holes;
    for (const Cidr& e : except) holes.push_back(ranges.parts_of(e));
    std::sort(holes.begin(), holes.end());
    for (const auto& [begin, end] : holes) {
      for (; from < std::min(begin, last); ++from) set(sure_, count_ + static_cast<std::uint32_t>(from));
      from = std::max(from, end);
    }
    for (; from < last; ++from) set(sure_, count_ + static_cast<std::uint32_t>(from));
    if (!base_.match().profile.ipblock_selects_pods) return;
    const auto ask = [&](std::uint32_t of) {
      add(of, base_.match().block({classes_.classes()[of].pod, {}, {}, {}}, cidr, except).fit);
    };
    // Whatever their pods: what is not known of them is the same (pods of the host's network have no class).
    if (const auto& without = base_.without_address(); !without.empty()) {
      const Fit fit =
          base_.match().block({classes_.classes()[without.front()].pod, {}, {}, {}}, cidr, except).fit;
      for (const std::uint32_t of : without) add(of, fit);
    }
    // Also classes in a range that the block holds a part of.
    const AddressRange whole = range_of(cidr);
    const auto low = static_cast<std::uint32_t>(ranges.part_of(whole.low)),
               high = static_cast<std::uint32_t>(ranges.part_of(whole.high));
    for (auto at = std::lower_bound(base_.in_range().begin(), base_.in_range().end(), std::pair(low, 0U));
         at != base_.in_range().end() && at->first <= high; ++at)
      ask(at->second);
  }

  void peers(const model::NetworkPolicyRule& rule, model::Symbol ns) {
    static const model::LabelSelector every;
    for (const auto& peer : rule.peers) {
      if (peer.ip_block)
        block(peer.ip_block->cidr, peer.ip_block->except);
      else if (peer.namespace_selector)
        select(classes_.pods().select(*peer.namespace_selector,
                                      peer.pod_selector ? &*peer.pod_selector : nullptr));
      else
        select(classes_.pods().select(ns, peer.pod_selector ? *peer.pod_selector : every));
    }
  }

  // Peers of a newer API: see peers_fit.
  void peers(const model::ClusterPolicyRule& rule) {
    for (const auto& peer : rule.peers) {
      if (peer.unknown_field) {
        if (rule.action == model::TierAction::Accept) continue;
        for (std::uint32_t w = 0; w < base_.words(); ++w) sure_[w] = base_.valid(w);
      } else if (peer.pods) {
        select(classes_.pods().select(peer.pods->namespace_selector,
                                      peer.pods->pod_selector ? &*peer.pods->pod_selector : nullptr));
      } else if (peer.nodes) {
        for (std::uint32_t e = count_; e < classes_.ends(); ++e)
          add(e, base_.match().peer({}, classes_.end(e), peer).fit);
      } else {
        for (const auto& cidr : peer.networks) block(cidr, {});
      }
    }
  }

  [[nodiscard]] Fit asked(const ReachRule& rule, const NetPeer& end) const {
    return rule.network != nullptr ? base_.match().peers(end, *rule.network, rule.ns).fit
                                   : peers_fit(base_.match(), {}, end, *rule.cluster).fit;
  }

  // ---- rules ----

  void add(ReachRule rule) {
    ReachPeerBits bits;
    if (!rule.every_peer && !rule.by_subject) {
      rule.network != nullptr ? peers(*rule.network, rule.ns) : peers(*rule.cluster);
      for (std::uint32_t w = 0; w < base_.words(); ++w) {
        const std::uint64_t sure = std::exchange(sure_[w], 0), maybe = std::exchange(maybe_[w], 0) & ~sure;
        if (sure != 0) bits.sure.push_back({w, sure});
        if (maybe != 0) bits.maybe.push_back({w, maybe});
      }
      for (std::uint32_t e = 0; e < out_.extra.ends.size(); ++e)
        if (const Fit fit = asked(rule, out_.extra.ends[e].peer); fit != Fit::No)
          append_bit(fit == Fit::Yes ? bits.sure : bits.maybe, out_.extra.first_end + e);
    }
    out_.extra.rules.push_back(rule);
    out_.extra.bits.push_back(std::move(bits));
  }

  [[nodiscard]] std::uint32_t position() const {
    return static_cast<std::uint32_t>(classes_.rules().size() + out_.extra.rules.size());
  }

  void add(const NetworkPolicy& policy) {
    ReachPolicy rules;
    rules.ingress_first = position();
    if (policy.affects_ingress)
      for (const auto& r : policy.ingress) add(reach_rule(r, policy.meta.key.ns));
    rules.ingress_last = rules.egress_first = position();
    if (policy.affects_egress)
      for (const auto& r : policy.egress) add(reach_rule(r, policy.meta.key.ns));
    rules.egress_last = position();
    out_.extra.policies.emplace_back(&policy, rules);
  }

  void add(const ClusterPolicy& policy) {
    ReachPolicy rules;
    rules.ingress_first = position();
    for (const auto& r : policy.ingress) add(reach_rule(r));
    rules.ingress_last = rules.egress_first = position();
    for (const auto& r : policy.egress) add(reach_rule(r));
    rules.egress_last = position();
    out_.extra.policies.emplace_back(&policy, rules);
  }

  const ReachBase& base_;
  const ReachClasses& classes_;
  std::uint32_t count_;
  std::vector<std::uint64_t> sure_, maybe_;
  ReachResolved out_;
};

}  // namespace

ReachResolved resolve(const ReachBase& base, const ReachEdit& edit) { return Resolver(base).run(edit.come); }

}  // namespace waypath::sim
