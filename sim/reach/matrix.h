#pragma once
// The matrix of classes and address ranges, one row of it at a time: what a source lets out, cut by what each
// destination lets in. No more than the rows of policies are kept; the cells are put together as they are
// asked for.

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/reach/bits.h"
#include "sim/reach/cell.h"
#include "sim/reach/mesh.h"
#include "sim/reach/rows.h"

namespace waypath::sim {

class ReachMatrix {
 public:
  using CellId = std::uint32_t;
  static constexpr CellId kNothing = 0;

  /// Ends that are asked for, by position. `mesh` may be null.
  ReachMatrix(const ReachClasses& classes, ReachRows& rows, ReachMesh* mesh, PortSetTable& table,
              const std::vector<bool>& sources, const std::vector<bool>& destinations);

  [[nodiscard]] const ReachCell& cell(CellId id) const { return cells_[id]; }
  /// One cell, of ends that were asked for.
  [[nodiscard]] CellId at(std::uint32_t source, std::uint32_t destination);
  [[nodiscard]] std::uint32_t classes() const { return classes_; }
  [[nodiscard]] std::uint32_t ends() const { return ends_; }
  [[nodiscard]] std::uint32_t words() const { return words_; }
  /// Some answer hangs on a fact that is not known.
  [[nodiscard]] bool undecided() const { return undecided_; }
  /// Facts that cells put together so far lack in the mesh.
  [[nodiscard]] const std::set<std::string>& missing_facts() const { return facts_; }
  /// Works out every cell that can occur: afterwards several threads may read. False when there are too many.
  [[nodiscard]] bool settle();

 private:
  friend class ReachStream;
  /// Rows of destinations, found by the source: for each word of sources, which rows have an answer of their
  /// own there, and which destinations have a row.
  struct Inverse {
    struct Item {
      std::uint32_t row = 0, answer = 0;
      std::uint64_t bits = 0;  // sources
    };
    std::vector<std::uint32_t> first;  // by word
    std::vector<Item> items;
    std::vector<BitWords> targets;  // by row
    struct Plane {
      std::uint32_t answer = 0;
      std::vector<std::uint64_t> words;  // destinations that usually have the answer
    };
    std::vector<std::vector<Plane>> planes;  // by kind of source
    /// `others(row)` has the answers of its own, `usual(row, kind)` the usual one.
    template <class Others, class Usual>
    void build(std::uint32_t words, const std::vector<std::uint32_t>& row_of, const Others& others,
               std::size_t kinds, const Usual& usual, const std::vector<std::uint64_t>& sources);
    std::vector<std::uint64_t>& plane(std::size_t kind, std::uint32_t answer, std::uint32_t words);
  };
  static constexpr std::uint32_t kNoRow = UINT32_MAX;

  [[nodiscard]] CellId network(std::uint32_t egress, std::uint32_t ingress);
  [[nodiscard]] CellId meshed(CellId cell, std::uint32_t answer);
  [[nodiscard]] CellId intern(const ReachCell& cell);
  [[nodiscard]] bool is_undecided(std::uint32_t answer) const {
    return rows_->answers()[answer].sure != rows_->answers()[answer].possible;
  }

  ReachRows* rows_;
  ReachMesh* mesh_;
  PortSetTable* table_;
  std::uint32_t classes_, ends_, words_;
  std::vector<std::uint32_t> egress_of_, ingress_of_, mesh_of_;  // rows of classes
  std::vector<std::uint64_t> sources_, destinations_;            // asked for
  BitWords elsewhere_;  // destinations that ztunnels of sources reach by another way
  Inverse ingress_, mesh_rows_;
  std::vector<ReachCell> cells_;
  std::unordered_map<std::uint64_t, CellId> network_, meshed_;
  std::unordered_map<std::uint64_t, std::vector<CellId>> interned_;
  std::set<std::string> facts_;
  bool undecided_ = false;
};

/// Reads rows of a matrix. One per thread; neighbours of the row before come cheaper.
class ReachStream {
 public:
  /// Destinations of one word with the same cell. Words ascend; cells without a connection are left out.
  struct Run {
    std::uint32_t word = 0;
    ReachMatrix::CellId cell = ReachMatrix::kNothing;
    std::uint64_t bits = 0;
  };
  explicit ReachStream(ReachMatrix& matrix);
  /// Valid until the next call.
  [[nodiscard]] const std::vector<Run>& row(std::uint32_t source);
  /// Marks, from now on, classes whose own unknown address a cell hangs on.
  void mark_undecided(std::vector<bool>& marks) { marks_ = &marks; }

 private:
  struct Part {
    std::uint32_t answer = 0;
    std::uint64_t bits = 0;
  };
  /// What one inverse says of the current source.
  class Side {
   public:
    Side(const ReachMatrix::Inverse& inverse, std::uint32_t words);
    void select(std::uint32_t source, std::size_t kind);
    /// Of a side with one kind of sources.
    [[nodiscard]] bool any(std::uint32_t word) const { return usual_[word] || !own_[word].empty(); }
    /// Parts of a word by answer; `none` is left out.
    void parts(std::uint32_t word, std::uint64_t limit, std::uint32_t none, std::vector<Part>& out) const;

   private:
    const ReachMatrix::Inverse& inverse_;
    std::size_t kind_ = 0;
    std::uint32_t block_ = UINT32_MAX;
    std::array<std::vector<std::pair<std::uint32_t, std::uint32_t>>, kWordBits> of_;  // (row, answer)
    std::vector<std::vector<Part>> own_;                                              // by word
    std::vector<std::uint32_t> touched_;
    std::vector<bool> usual_;
  };
  void cross(std::uint32_t source, std::uint32_t word, std::uint32_t egress, std::uint64_t bits);
  void emit(std::uint32_t word, ReachMatrix::CellId cell, std::uint64_t bits);
  void add_elsewhere(std::uint32_t source);
  template <class Find>
  [[nodiscard]] ReachMatrix::CellId cached(std::uint64_t key, const Find& find);

  ReachMatrix& matrix_;
  Side in_, mesh_;
  std::vector<Part> in_parts_, mesh_parts_;
  std::vector<Run> runs_;
  std::vector<bool>* marks_ = nullptr;
  struct Known {
    std::uint64_t key = UINT64_MAX;
    ReachMatrix::CellId cell = 0;
  };
  std::vector<Known> known_;
};

}  // namespace waypath::sim
