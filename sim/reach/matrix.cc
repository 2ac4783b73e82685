#include "sim/reach/matrix.h"

#include <algorithm>
#include <utility>

namespace waypath::sim {
namespace {

std::vector<std::uint64_t> packed(const std::vector<bool>& asked, std::uint32_t words) {
  std::vector<std::uint64_t> out(words, 0);
  for (std::uint32_t i = 0; i < asked.size(); ++i)
    if (asked[i]) out[i / kWordBits] |= std::uint64_t{1} << (i % kWordBits);
  return out;
}

}  // namespace

std::vector<std::uint64_t>& ReachMatrix::Inverse::plane(std::size_t kind, std::uint32_t answer,
                                                        std::uint32_t words) {
  auto& of_kind = planes[kind];
  auto at = std::find_if(of_kind.begin(), of_kind.end(), [&](const Plane& p) { return p.answer == answer; });
  if (at == of_kind.end()) at = of_kind.insert(of_kind.end(), {answer, std::vector<std::uint64_t>(words, 0)});
  return at->words;
}

template <class Others, class Usual>
void ReachMatrix::Inverse::build(std::uint32_t words, const std::vector<std::uint32_t>& row_of,
                                 const Others& others, std::size_t kinds, const Usual& usual,
                                 const std::vector<std::uint64_t>& sources) {
  for (std::uint32_t d = 0; d < row_of.size(); ++d) {
    const std::uint32_t row = row_of[d];
    if (row == kNoRow) continue;
    if (row >= targets.size()) targets.resize(row + 1);
    append_bit(targets[row], d);
  }
  planes.resize(kinds);
  first.assign(words + 1, 0);
  for (std::uint32_t r = 0; r < targets.size(); ++r) {
    if (targets[r].empty()) continue;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      auto& all = plane(kind, usual(r, kind), words);
      for (const BitWord& w : targets[r]) all[w.at] |= w.bits;
    }
    for (const auto& e : others(r))
      if ((e.bits & sources[e.word]) != 0) ++first[e.word + 1];
  }
  for (std::uint32_t w = 0; w < words; ++w) first[w + 1] += first[w];
  items.resize(first[words]);
  std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
  for (std::uint32_t r = 0; r < targets.size(); ++r) {
    if (targets[r].empty()) continue;
    for (const auto& e : others(r))
      if (const std::uint64_t bits = e.bits & sources[e.word]; bits != 0)
        items[next[e.word]++] = {r, e.answer, bits};
  }
}

ReachMatrix::ReachMatrix(const ReachClasses& classes, ReachRows& rows, ReachMesh* mesh, PortSetTable& table,
                         const std::vector<bool>& sources, const std::vector<bool>& destinations)
    : rows_(&rows),
      mesh_(mesh),
      table_(&table),
      classes_(static_cast<std::uint32_t>(classes.classes().size())),
      ends_(static_cast<std::uint32_t>(classes.ends())),
      words_((ends_ + kWordBits - 1) / kWordBits),
      egress_of_(classes_, kNoRow),
      ingress_of_(classes_, kNoRow),
      mesh_of_(mesh == nullptr ? 0 : classes_, kNoRow),
      sources_(packed(sources, words_)),
      destinations_(packed(destinations, words_)) {
  static_cast<void>(intern({}));
  for (std::uint32_t c = 0; c < classes_; ++c) {
    if (sources[c]) egress_of_[c] = rows.row(c, Direction::Egress);
    if (!destinations[c]) continue;
    ingress_of_[c] = rows.row(c, Direction::Ingress);
    if (mesh != nullptr) mesh_of_[c] = mesh->row(c, sources);
  }
  const auto row = [&](std::uint32_t r) -> const ReachRow& { return rows.row_at(r, Direction::Ingress); };
  ingress_.build(
      words_, ingress_of_, [&](std::uint32_t r) -> const auto& { return row(r).others; }, 1,
      [&](std::uint32_t r, std::size_t) { return row(r).usual; }, sources_);
  // Ranges let everything in.
  auto& open = ingress_.plane(0, ReachAnswers::kEverything, words_);
  for (std::uint32_t e = classes_; e < ends_; ++e)
    if (destinations[e]) open[e / kWordBits] |= std::uint64_t{1} << (e % kWordBits);
  if (mesh != nullptr)
    mesh_rows_.build(
        words_, mesh_of_, [&](std::uint32_t r) -> const auto& { return mesh->row_at(r).others; },
        kReachClients, [&](std::uint32_t r, std::size_t kind) { return mesh->row_at(r).usual[kind]; },
        sources_);
  for (std::uint32_t c = 0; mesh != nullptr && c < classes_; ++c)
    if (destinations[c] &&
        mesh->elsewhere(mesh->row_at(mesh_of_[c]).usual[static_cast<std::size_t>(ReachClient::Ztunnel)]))
      append_bit(elsewhere_, c);
  for (std::uint32_t a = 0; a < rows.answers().size(); ++a) undecided_ = undecided_ || is_undecided(a);
}

ReachMatrix::CellId ReachMatrix::intern(const ReachCell& cell) {
  auto& bucket = interned_[std::uint64_t{cell.sure} << 32U | cell.possible];
  for (const CellId id : bucket)
    if (cells_[id] == cell) return id;
  bucket.push_back(static_cast<CellId>(cells_.size()));
  cells_.push_back(cell);
  return bucket.back();
}

ReachMatrix::CellId ReachMatrix::network(std::uint32_t egress, std::uint32_t ingress) {
  const std::uint64_t key = std::uint64_t{egress} << 32U | ingress;
  if (const auto at = network_.find(key); at != network_.end()) return at->second;
  const ReachAnswer &out = rows_->answers()[egress], &in = rows_->answers()[ingress];
  const CellId id = intern({table_->intersect(out.sure, in.sure),
                            table_->intersect(out.possible, in.possible), PortSetTable::kNone});
  network_.emplace(key, id);
  return id;
}

ReachMatrix::CellId ReachMatrix::meshed(CellId cell, std::uint32_t answer) {
  const std::uint64_t key = std::uint64_t{cell} << 32U | answer;
  if (const auto at = meshed_.find(key); at != meshed_.end()) return at->second;
  const CellId id = intern(mesh_->apply(cells_[cell], answer, *table_, facts_));
  meshed_.emplace(key, id);
  return id;
}

ReachMatrix::CellId ReachMatrix::at(std::uint32_t source, std::uint32_t destination) {
  if (source >= classes_ && destination >= classes_) return kNothing;
  const auto out = source < classes_ ? rows_->row_at(egress_of_[source], Direction::Egress).at(destination)
                                     : ReachAnswers::kEverything;
  if (destination >= classes_) return network(out, ReachAnswers::kEverything);
  const auto in = rows_->row_at(ingress_of_[destination], Direction::Ingress).at(source);
  const CellId cell = network(out, in);
  if (mesh_ == nullptr) return cell;
  const auto answer = mesh_->answer(mesh_of_[destination], source);
  return cell == kNothing && !mesh_->elsewhere(answer) ? cell : meshed(cell, answer);
}

bool ReachMatrix::settle() {
  constexpr std::size_t kMost = std::size_t{1} << 18U;
  const std::size_t answers = rows_->answers().size();
  if (answers * answers > kMost) return false;
  for (std::uint32_t out = 0; out < answers; ++out)
    for (std::uint32_t in = 0; in < answers; ++in) static_cast<void>(network(out, in));
  if (mesh_ == nullptr) return true;
  const auto before = cells_.size();
  if (before * mesh_->answers() > kMost) return false;
  const std::set<std::string> known = facts_;
  for (CellId cell = 0; cell < before; ++cell)
    for (std::uint32_t a = 0; a < mesh_->answers(); ++a) static_cast<void>(meshed(cell, a));
  facts_ = known;
  return true;
}

ReachStream::Side::Side(const ReachMatrix::Inverse& inverse, std::uint32_t words)
    : inverse_(inverse), own_(words), usual_(words, false) {
  for (const auto& of_kind : inverse_.planes)
    for (const auto& plane : of_kind) {
      if (plane.answer == ReachAnswers::kNothing) continue;
      for (std::uint32_t w = 0; w < words; ++w)
        if (plane.words[w] != 0) usual_[w] = true;
    }
}

void ReachStream::Side::select(std::uint32_t source, std::size_t kind) {
  kind_ = kind;
  const std::uint32_t word = source / kWordBits;
  if (word != block_) {
    block_ = word;
    for (auto& list : of_) list.clear();
    for (auto i = inverse_.first[word]; i < inverse_.first[word + 1]; ++i)
      each_bit(0, inverse_.items[i].bits, [&](std::uint32_t bit) {
        of_[bit].emplace_back(inverse_.items[i].row, inverse_.items[i].answer);
      });
  }
  for (const std::uint32_t w : touched_) own_[w].clear();
  touched_.clear();
  for (const auto& [row, answer] : of_[source % kWordBits])
    for (const BitWord& to : inverse_.targets[row]) {
      auto& list = own_[to.at];
      if (list.empty()) touched_.push_back(to.at);
      if (!list.empty() && list.back().answer == answer)
        list.back().bits |= to.bits;
      else
        list.push_back({answer, to.bits});
    }
}

void ReachStream::Side::parts(std::uint32_t word, std::uint64_t limit, std::uint32_t none,
                              std::vector<Part>& out) const {
  out.clear();
  std::uint64_t rest = limit;
  for (const Part& part : own_[word]) {
    const std::uint64_t bits = part.bits & limit;
    rest &= ~bits;
    if (part.answer == none || bits == 0) continue;
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Part& p) { return p.answer == part.answer; });
    if (same != out.end())
      same->bits |= bits;
    else
      out.push_back({part.answer, bits});
  }
  for (const auto& plane : inverse_.planes[kind_]) {
    const std::uint64_t bits = plane.words[word] & rest;
    if (plane.answer == none || bits == 0) continue;
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Part& p) { return p.answer == plane.answer; });
    if (same != out.end())
      same->bits |= bits;
    else
      out.push_back({plane.answer, bits});
  }
}

ReachStream::ReachStream(ReachMatrix& matrix)
    : matrix_(matrix),
      in_(matrix.ingress_, matrix.words_),
      mesh_(matrix.mesh_rows_, matrix.mesh_ == nullptr ? 0 : matrix.words_),
      known_(1024) {}

template <class Find>
ReachMatrix::CellId ReachStream::cached(std::uint64_t key, const Find& find) {
  Known& slot = known_[(key ^ key >> 27U) & (known_.size() - 1)];
  if (slot.key != key) slot = {key, find()};
  return slot.cell;
}

void ReachStream::emit(std::uint32_t word, ReachMatrix::CellId cell, std::uint64_t bits) {
  if (cell == ReachMatrix::kNothing) return;
  for (auto run = runs_.rbegin(); run != runs_.rend() && run->word == word; ++run) {
    if (run->cell != cell) continue;
    run->bits |= bits;
    return;
  }
  runs_.push_back({word, cell, bits});
}

// Destinations of a word to which the source has one answer, by their own.
void ReachStream::cross(std::uint32_t source, std::uint32_t word, std::uint32_t egress, std::uint64_t bits) {
  if (egress == ReachAnswers::kNothing) return;
  for (const Part& part : in_parts_) {
    std::uint64_t both = part.bits & bits;
    if (both == 0) continue;
    const auto cell = cached(std::uint64_t{egress} << 32U | part.answer,
                             [&] { return matrix_.network(egress, part.answer); });
    if (cell == ReachMatrix::kNothing) continue;
    if (marks_ != nullptr && matrix_.cell(cell).sure != matrix_.cell(cell).possible) {
      if (matrix_.is_undecided(egress)) each_bit(word, both, [&](std::uint32_t d) { (*marks_)[d] = true; });
      if (matrix_.is_undecided(part.answer) && source < matrix_.classes_) (*marks_)[source] = true;
    }
    for (const Part& m : mesh_parts_) {
      const std::uint64_t in_mesh = both & m.bits;
      if (in_mesh == 0) continue;
      both &= ~in_mesh;
      emit(word,
           cached(std::uint64_t{1} << 63U | std::uint64_t{cell} << 32U | m.answer,
                  [&] { return matrix_.meshed(cell, m.answer); }),
           in_mesh);
    }
    if (both != 0) emit(word, cell, both);
  }
}

const std::vector<ReachStream::Run>& ReachStream::row(std::uint32_t source) {
  runs_.clear();
  const bool range = source >= matrix_.classes_;
  static const ReachRow open;
  const ReachRow& egress =
      range ? open : matrix_.rows_->row_at(matrix_.egress_of_[source], Direction::Egress);
  in_.select(source, 0);
  if (matrix_.mesh_ != nullptr) mesh_.select(source, static_cast<std::size_t>(matrix_.mesh_->client(source)));
  const bool elsewhere =
      !matrix_.elsewhere_.empty() && !range && matrix_.mesh_->client(source) == ReachClient::Ztunnel;
  auto aside = matrix_.elsewhere_.begin();
  auto other = egress.others.begin();
  const auto word = [&](std::uint32_t w) {
    // Nothing goes from one range to another.
    std::uint64_t limit = matrix_.destinations_[w];
    if (range && (w + 1) * kWordBits > matrix_.classes_)
      limit &=
          w * kWordBits >= matrix_.classes_ ? 0 : (std::uint64_t{1} << (matrix_.classes_ % kWordBits)) - 1;
    if (elsewhere) {
      while (aside != matrix_.elsewhere_.end() && aside->at < w) ++aside;
      if (aside != matrix_.elsewhere_.end() && aside->at == w) limit &= ~aside->bits;
    }
    in_.parts(w, limit, ReachAnswers::kNothing, in_parts_);
    if (matrix_.mesh_ != nullptr) mesh_.parts(w, limit, ReachMesh::kAsIs, mesh_parts_);
    std::uint64_t rest = ~std::uint64_t{0};
    for (; other != egress.others.end() && other->word == w; ++other) {
      rest &= ~other->bits;
      cross(source, w, other->answer, other->bits);
    }
    cross(source, w, egress.usual, rest);
  };
  if (egress.usual == ReachAnswers::kNothing) {
    while (other != egress.others.end()) {
      const std::uint32_t w = other->word;
      if (in_.any(w))
        word(w);
      else
        ++other;
    }
  } else {
    for (std::uint32_t w = 0; w < matrix_.words_; ++w) {
      if (!in_.any(w)) continue;
      while (other != egress.others.end() && other->word < w) ++other;
      word(w);
    }
  }
  if (elsewhere) add_elsewhere(source);
  return runs_;
}

// One by one: only waypoints for workloads bring them about.
void ReachStream::add_elsewhere(std::uint32_t source) {
  for (const BitWord& w : matrix_.elsewhere_)
    each_bit(w.at, w.bits, [&](std::uint32_t d) {
      const auto cell = matrix_.at(source, d);
      if (cell != ReachMatrix::kNothing) runs_.push_back({w.at, cell, std::uint64_t{1} << (d % kWordBits)});
    });
  std::stable_sort(runs_.begin(), runs_.end(), [](const Run& a, const Run& b) { return a.word < b.word; });
}

}  // namespace waypath::sim
