// Writes reports that no cluster makes: over hostile names (hostile.html and hostile.names, each name ended
// by a zero byte), and one of 5,000 flows (large.html).

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/tools/hostile.h"
#include "tests/tools/verdicts.h"
#include "tools/render/html_report.h"

int main(int argc, char** argv) {
  using namespace waypath;  // NOLINT(google-build-using-namespace): a program of one function
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  {
    tools::HtmlReport report("</title><script>alert(1)</script>", "<img src=x onerror=alert(2)>");
    std::ofstream names(folder / "hostile.names", std::ios::binary);
    for (const auto& name : tests::hostile_names()) {
      // As a terminal would show it: control characters are spelled out.
      if (tests::without_control_characters(name) != name) continue;
      names << name << '\0';
      model::SourceFiles files;
      const auto file = files.add(name, "kind: " + name + "\n# " + name + "\n");
      auto verdict = tests::dropped_at_last_leg(name);
      auto& path = verdict.paths.front();
      path.hops.front().name = path.hops[1].ns = name;
      path.symptom = verdict.symptom = path.reason.detail = name;
      path.reason.by = sim::ObjectAt{tests::key("NetworkPolicy", name, name), {file, 1, 1}, 0, name};
      path.notes = path.missing_facts = path.bypassed = {name};
      sim::Flow flow;
      flow.name = flow.from = flow.to = name;
      report.add_flow(flow, verdict, files);
      report.add_finding({sim::Code{name},
                          model::Severity::Error,
                          {tests::key("NetworkPolicy", name, name), {file, 1, 1}, 0, name},
                          name,
                          name},
                         files, name);
      report.add_number(name, 1, name);
    }
    std::ofstream(folder / "hostile.html", std::ios::binary) << report.html();
  }
  tools::HtmlReport report("large", "5,000 flows");
  const model::SourceFiles files;
  for (int i = 0; i < 5000; ++i) {
    auto verdict = i % 3 == 0 ? tests::allowed_with_bypass() : tests::dropped_at_last_leg();
    verdict.paths.front().hops.back().name = "app-" + std::to_string(i);
    sim::Flow flow;
    flow.from = "ns-" + std::to_string(i % 100) + "/deployment/client-" + std::to_string(i % 700);
    flow.to = "http://app-" + std::to_string(i) + ".team-" + std::to_string(i % 50) + ":8080";
    flow.name = flow.from + " -> " + flow.to;
    report.add_flow(flow, verdict, files);
  }
  std::ofstream(folder / "large.html", std::ios::binary) << report.html();
}
