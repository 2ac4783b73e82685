#include "scenarios/scenario_codes.h"

#include <array>

#include "scenarios/scenario.h"

namespace waypath::scenarios {
namespace {

using model::CodeInfo;
constexpr auto kDiagnostic = CodeInfo::Kind::Diagnostic;

constexpr std::array kRows{
    CodeInfo{
        kScenarioInvalid, kDiagnostic, "a scenario or change file breaks its format",
        "Scenario files are read strictly: an unknown key, a wrong type, a flow without from or to, a change "
        "that "
        "does several things or a file that cannot be read is an error, so that no expectation is lost in "
        "silence.",
        "Correct the place that the message names; scenarios/FORMAT.md lists all keys, and editors complete "
        "them by "
        "scenarios/schema/scenario.schema.json.",
        "waypath scenarios/FORMAT.md"},
    CodeInfo{
        kScenarioNone, kDiagnostic, "no scenario file was found",
        "waypath test looks for YAML documents with kind: Scenario in the files and directories it is given.",
        "Give a scenario file or the folder that holds them; `waypath record` writes a first one.",
        "waypath scenarios/FORMAT.md"},
};

}  // namespace

std::span<const CodeInfo> scenario_codes() { return kRows; }

}  // namespace waypath::scenarios
