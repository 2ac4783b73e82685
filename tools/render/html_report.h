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
#include "sim/lint/lint.h"
#include "sim/reach/exposure.h"
#include "sim/reach/reach.h"
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
  /// Cells of namespaces in place of workloads when there are more than kMostCells.
  static constexpr std::size_t kMostCells = 30000;
  void set_reach(const sim::ReachResult& matrix, const std::vector<sim::WorkloadExposure>& exposures,
                 const std::string& layer);
  /// `change`: "new" or "gone" in the report of a plan, else "".
  void add_finding(const sim::Finding& finding, const model::SourceFiles& files,
                   const std::string& change = {});
  /// A number at the head of the page; `look`: "allow", "refused", "unknown" or "".
  void add_number(const std::string& label, std::size_t value, const std::string& look);

  [[nodiscard]] std::string html() const;

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};

}  // namespace waypath::tools
