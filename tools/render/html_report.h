#pragma once
// One HTML file that needs no network: what a test, a plan, a matrix or all flows of a cluster came to. The
// page itself is tools/render/report/; this fills in its data.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/plan.h"
#include "scenarios/runner.h"
#include "sim/reach.h"
#include "sim/reach_exposure.h"
#include "sim/verdict.h"

namespace waypath::tools {

class HtmlReport {
 public:
  /// `title` and `about` head the page; `about` says what was asked.
  HtmlReport(std::string title, std::string about);
  ~HtmlReport();
  HtmlReport(const HtmlReport&) = delete;
  HtmlReport& operator=(const HtmlReport&) = delete;

  void add_flow(const sim::Flow& flow, const sim::Verdict& verdict, const model::SourceFiles& files);
  void add_case(const scenarios::CaseResult& result);
  /// A changed flow with what it was and is; the objects that are the cause stand in `plan`.
  void add_change(const scenarios::Plan& plan, const scenarios::FlowChange& change,
                  const sim::Verdict& before, const model::SourceFiles& files_before,
                  const sim::Verdict& after, const model::SourceFiles& files_after);
  void set_reach(const sim::ReachResult& matrix, const std::vector<sim::WorkloadExposure>& exposures,
                 const std::string& layer);
  void add_finding(const std::string& severity, const std::string& code, const std::string& object,
                   const std::string& place, const std::string& message, const std::string& fix);
  /// A number at the head of the page; `look`: "allow", "refused", "unknown" or "".
  void add_number(const std::string& label, std::size_t value, const std::string& look);

  [[nodiscard]] std::string html() const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

/// The lines of a manifest that hold the object at `line`, and the number of the first one. Documents of a
/// stream end at `---`, items of a List where the next one begins.
struct SourceExcerpt {
  std::uint32_t line = 0;
  std::string text;
};
[[nodiscard]] SourceExcerpt excerpt(std::string_view text, std::uint32_t line);

}  // namespace waypath::tools
