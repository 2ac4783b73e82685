#include "sim/match/regex_match.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace waypath::sim {

namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

RegexMatch::RegexMatch(std::string_view pattern) : pattern_(pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_unique<re2::RE2>(piece(pattern_), options);
  if (!regex->ok()) {
    error_ = regex->error();
  } else if (regex->ProgramSize() > kMaxRegexProgramSize) {
    error_ = fmt::format("program size {} is over Envoy's limit of {}", regex->ProgramSize(),
                         kMaxRegexProgramSize);
  } else {
    regex_ = std::move(regex);
  }
}

RegexMatch::~RegexMatch() = default;
RegexMatch::RegexMatch(RegexMatch&&) noexcept = default;
RegexMatch& RegexMatch::operator=(RegexMatch&&) noexcept = default;

bool RegexMatch::full_match(std::string_view text) const {
  return regex_ != nullptr && re2::RE2::FullMatch(piece(text), *regex_);
}

std::string RegexMatch::replace_all(std::string_view text, std::string_view rewrite) const {
  std::string out(text);
  if (regex_ != nullptr) re2::RE2::GlobalReplace(&out, *regex_, piece(rewrite));
  return out;
}

}  // namespace waypath::sim
