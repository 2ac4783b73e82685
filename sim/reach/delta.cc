#include "sim/reach/delta.h"

namespace waypath::sim {

ReachWhatIf::ReachWhatIf(std::shared_ptr<const ReachBase> base)
    : base_(std::move(base)),
      count_(static_cast<std::uint32_t>(base_->classes().classes().size())),
      table_(base_->table()),
      rows_(base_->rows(), table_),
      network_(std::size_t{1} << 13U),
      changes_(std::size_t{1} << 12U) {
  for (Side& side : sides_) {
    side.group_of.assign(count_, kNone);
    side.changed.assign(base_->words(), 0);
  }
  static_cast<void>(intern({}));
}

// ---- cells ----

ReachAnswers::Id ReachWhatIf::before(Direction d, std::uint32_t subject, std::uint32_t end) const {
  const std::uint32_t of = parent(subject);
  return of >= count_ ? ReachAnswers::kEverything
                      : base_->rows().row_at(base_->row_of(of, d), d).at(parent(end));
}

ReachAnswers::Id ReachWhatIf::after(Direction d, std::uint32_t subject, std::uint32_t end) {
  const std::uint32_t of = parent(subject);
  const std::uint32_t group = of >= count_ ? kNone : side(d).group_of[of];
  if (group == kNone) return before(d, subject, end);
  const Group& in = side(d).groups[group];
  if (end >= delta_.first_piece) return in.pieces[end - delta_.first_piece];
  return in.whole || has_bit(in.about, end) ? in.after.at(end) : before(d, subject, end);
}

ReachWhatIf::CellId ReachWhatIf::intern(const ReachCell& cell) {
  auto& bucket = interned_[std::uint64_t{cell.sure} << 32U | cell.possible];
  for (const CellId id : bucket)
    if (cells_[id] == cell) return id;
  cells_.push_back(cell);
  bucket.push_back(static_cast<CellId>(cells_.size() - 1));
  return bucket.back();
}

ReachWhatIf::CellId ReachWhatIf::network(ReachAnswers::Id one, ReachAnswers::Id other) {
  const std::uint64_t key = std::uint64_t{one} << 32U | other;
  Known& known = slot(network_, key);
  if (known.key == key) return known.cell;
  const ReachAnswer &a = rows_.answers()[one], &b = rows_.answers()[other];
  const CellId cell = intern(
      {table_.intersect(a.sure, b.sure), table_.intersect(a.possible, b.possible), PortSetTable::kNone});
  known = {key, cell, false, false};
  return cell;
}

const ReachWhatIf::Known& ReachWhatIf::change(CellId before, CellId after) {
  const std::uint64_t key = std::uint64_t{before} << 32U | after;
  Known& known = slot(changes_, key);
  if (known.key == key) return known;
  const auto gains = [&](const ReachCell& from, const ReachCell& to) {
    return table_.subtract(to.sure, from.sure) != PortSetTable::kNone ||
           table_.subtract(to.possible, from.possible) != PortSetTable::kNone;
  };
  known = {key, after, gains(cells_[before], cells_[after]), gains(cells_[after], cells_[before])};
  return known;
}

ReachWhatIf::CellId ReachWhatIf::meshed(CellId cell, std::uint32_t answer) {
  const auto [at, added] = meshed_.emplace(std::uint64_t{cell} << 32U | answer, 0U);
  if (added) {
    at->second = intern(base_->mesh()->apply(cells_[cell], answer, table_, facts_));
  }
  return at->second;
}

// ---- pairs ----

std::uint64_t ReachWhatIf::pods(std::uint32_t end) const {
  if (end >= delta_.first_piece) return delta_.pieces[end - delta_.first_piece].pods.size();
  return pods(end / kWordBits, std::uint64_t{1} << (end % kWordBits));
}

std::uint64_t ReachWhatIf::pods(std::uint32_t word, std::uint64_t bits) const {
  std::uint64_t sum = base_->weights().of(word, bits);
  for (const ReachPiece& piece : delta_.pieces)
    if (piece.parent / kWordBits == word && (bits >> (piece.parent % kWordBits) & 1U) != 0)
      sum -= piece.pods.size();
  return sum;
}

void ReachWhatIf::emit_cells(bool incoming, std::uint32_t subject, std::uint32_t word, std::uint64_t bits,
                             CellId before, CellId after) {
  const std::uint64_t own = pods(subject);
  std::uint64_t others = 0;
  if (word >= base_->words())
    each_bit(word, bits, [&](std::uint32_t end) { others += pods(end); });
  else
    others = pods(word, bits);
  std::uint64_t pairs = own * others;
  // No pod is its own other end.
  if (word == subject / kWordBits && (bits >> (subject % kWordBits) & 1U) != 0) pairs -= own;
  const Known& of = change(before, after);
  delta_.pod_pairs += pairs;
  if (of.opens) delta_.opened += pairs;
  if (of.closes) delta_.closed += pairs;
  delta_.runs.push_back({incoming, subject, word, bits, cells_[before], cells_[after]});
}

void ReachWhatIf::emit(Direction d, std::uint32_t subject, std::uint32_t word, std::uint64_t bits,
                       CellId before, CellId after) {
  if (before == after || bits == 0) return;
  const bool incoming = d == Direction::Ingress;
  if (base_->mesh() == nullptr) {
    emit_cells(incoming, subject, word, bits, before, after);
    return;
  }
  // Ends by what the mesh makes of them.
  struct Part {
    std::uint32_t answer = 0;
    std::uint64_t bits = 0;
  };
  std::vector<Part> parts;
  each_bit(word, bits, [&](std::uint32_t end) {
    const std::uint32_t one = parent(subject), two = parent(end);
    // Nothing is made of what leaves the cluster.
    const std::uint32_t answer = incoming       ? base_->mesh_answer(two, one)
                                 : two < count_ ? base_->mesh_answer(one, two)
                                                : ReachMesh::kAsIs;
    const auto bit = std::uint64_t{1} << (end % kWordBits);
    if (!parts.empty() && parts.back().answer == answer)
      parts.back().bits |= bit;
    else
      parts.push_back({answer, bit});
  });
  for (const Part& part : parts) {
    const CellId was = meshed(before, part.answer), is = meshed(after, part.answer);
    if (was != is) emit_cells(incoming, subject, word, part.bits, was, is);
  }
}

template <class Fn>
void ReachWhatIf::each_piece(std::uint32_t parent, const Fn& fn) const {
  for (std::uint32_t e = 0; e < delta_.pieces.size(); ++e)
    if (delta_.pieces[e].parent == parent) fn(delta_.first_piece + e);
}

// Other ends whose own rows stay as they are, a word at a time.
void ReachWhatIf::along_words(Direction d) {
  const Side &on = side(d), &across = side(other(d));
  const ReachColumns& columns = base_->columns(other(d));
  for (const std::uint32_t subject : on.subjects) {
    for (const Difference& difference : on.groups[on.group_of[subject]].differences) {
      columns.parts(subject, difference.word, difference.bits & ~across.changed[difference.word], parts_);
      for (const auto& part : parts_) {
        const CellId was = network(difference.before, part.answer),
                     is = network(difference.after, part.answer);
        if (was == is) continue;
        emit(d, subject, difference.word, part.bits, was, is);
        each_piece(subject,
                   [&](std::uint32_t piece) { emit(d, piece, difference.word, part.bits, was, is); });
      }
    }
  }
}

void ReachWhatIf::pair(std::uint32_t source, std::uint32_t destination, bool incoming) {
  const CellId was = network(before(Direction::Egress, source, destination),
                             before(Direction::Ingress, destination, source)),
               is = network(after(Direction::Egress, source, destination),
                            after(Direction::Ingress, destination, source));
  const std::uint32_t end = incoming ? source : destination;
  emit(incoming ? Direction::Ingress : Direction::Egress, incoming ? destination : source, end / kWordBits,
       std::uint64_t{1} << (end % kWordBits), was, is);
}

// Pieces whose parents' rows stay as they are.
void ReachWhatIf::with_pieces(Direction d) {
  const Side &on = side(d), &across = side(other(d));
  const bool incoming = d == Direction::Ingress;
  for (std::uint32_t e = 0; e < delta_.pieces.size(); ++e) {
    const std::uint32_t of = delta_.pieces[e].parent, end = delta_.first_piece + e;
    if (of < count_ && across.group_of[of] != kNone) continue;
    for (const std::uint32_t subject : on.subjects) {
      const auto one = [&](std::uint32_t s) { incoming ? pair(end, s, true) : pair(s, end, false); };
      one(subject);
      each_piece(subject, one);
    }
  }
}

void ReachWhatIf::both_changed() {
  for (const std::uint32_t destination : side(Direction::Ingress).subjects)
    for (const std::uint32_t source : side(Direction::Egress).subjects) {
      const auto to = [&](std::uint32_t d) {
        pair(source, d, true);
        each_piece(source, [&](std::uint32_t s) { pair(s, d, true); });
      };
      to(destination);
      each_piece(destination, to);
    }
}

const ReachDelta& ReachWhatIf::evaluate(const ReachEdit& edit) {
  for (const Direction d : kDirections) {
    Side& on = side(d);
    for (const std::uint32_t c : on.subjects) {
      on.group_of[c] = kNone;
      on.changed[c / kWordBits] = 0;
    }
    on.subjects.clear();
    on.groups.clear();
    groups_[static_cast<std::size_t>(d)].clear();
  }
  resolved_ = resolve(*base_, edit);
  rows_.use(&resolved_.extra);
  delta_.runs.clear();
  delta_.first_piece = resolved_.extra.first_end;
  delta_.pieces = std::move(resolved_.pieces);
  delta_.rests = std::move(resolved_.rests);
  delta_.pod_pairs = delta_.opened = delta_.closed = 0;
  find_subjects(edit);
  for (std::uint32_t i = 0; i < selected_.size();) {
    std::uint32_t last = i + 1;
    while (last < selected_.size() && selected_[last].first == selected_[i].first) ++last;
    regroup(edit, selected_[i].first, i, last);
    i = last;
  }
  for (const Direction d : kDirections) {
    along_words(d);
    with_pieces(d);
  }
  both_changed();
  return delta_;
}

}  // namespace waypath::sim
