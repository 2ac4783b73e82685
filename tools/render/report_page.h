#pragma once
// The files of tools/render/report as text, put into the program by tools/cmake/embed.cmake.

#include <string_view>

namespace waypath::tools {

extern const std::string_view kReportPage, kReportStyle, kReportScript;

}  // namespace waypath::tools
