#pragma once
// How every renderer writes objects, places, hops and decisions, so that all formats use the same words.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/source_pos.h"
#include "sim/verdict.h"

namespace waypath::tools {

/// Text of manifests as it may stand on a terminal: control characters become \xNN, so none moves the cursor.
[[nodiscard]] std::string printable(std::string_view text);

/// "Kind/ns/name", with " ingress rule 2" when a rule is named.
[[nodiscard]] std::string object_with_rule(const sim::ObjectAt& object);
/// "file:line", "" when unknown. Only the file's name when `short_path`.
[[nodiscard]] std::string place_of(const model::SourceFiles& files, model::SourcePos pos,
                                   bool short_path = false);

/// "waypoint authservice/authservice-waypoint", "internet", "ztunnel of monitoring/prometheus-0".
[[nodiscard]] std::string hop_title(const sim::HopResult& hop);
/// "15008", or "15008 (9090)" when another port is tunnelled.
[[nodiscard]] std::string port_text(const sim::LegResult& leg);

/// The path whose outcome is that of the flow: the first one that has it.
[[nodiscard]] const sim::PathVerdict& deciding_path(const sim::Verdict& verdict);
/// Whether anything of the path happens at this hop or leg: what lies behind the deciding one is not reached.
[[nodiscard]] bool leg_reached(const sim::PathVerdict& path, std::size_t leg);

[[nodiscard]] std::string upper(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& items, std::string_view separator);
/// Columns that `text` takes: code points of UTF-8.
[[nodiscard]] std::size_t columns(std::string_view text);
/// `text` and blanks up to `width` columns.
[[nodiscard]] std::string padded(std::string text, std::size_t width);
/// Breaks at blanks so that each line has at most `width` columns where words allow.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view text, std::size_t width);

/// Colours of a terminal; all calls give the text itself when off.
class Paint {
 public:
  explicit Paint(bool on) : on_(on) {}
  [[nodiscard]] std::string outcome(sim::Outcome outcome, const std::string& text) const;
  [[nodiscard]] std::string decision(sim::Decision decision, const std::string& text) const;
  [[nodiscard]] std::string bold(const std::string& text) const { return code("1", text); }
  [[nodiscard]] std::string dim(const std::string& text) const { return code("2", text); }
  [[nodiscard]] std::string good(const std::string& text) const { return code("32", text); }
  [[nodiscard]] std::string bad(const std::string& text) const { return code("31", text); }

 private:
  [[nodiscard]] std::string code(std::string_view sgr, const std::string& text) const;
  bool on_;
};

}  // namespace waypath::tools
