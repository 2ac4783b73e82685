# The page of `waypath report` (tools/render/report) as text in the program.
set(page "${PROJECT_SOURCE_DIR}/tools/render/report")
set(page_cc "${PROJECT_BINARY_DIR}/generated/report_page.cc")
set(page_files "kReportPage=${page}/report.html;kReportStyle=${page}/report.css;kReportScript=${page}/report.js")
add_custom_command(
  OUTPUT "${page_cc}"
  COMMAND "${CMAKE_COMMAND}" "-DOUT=${page_cc}" "-DHEADER=tools/render/report_page.h" "-DNAMESPACE=waypath::tools"
          "-DFILES=${page_files}" -P "${PROJECT_SOURCE_DIR}/tools/cmake/embed.cmake"
  DEPENDS "${page}/report.html" "${page}/report.css" "${page}/report.js" "${PROJECT_SOURCE_DIR}/tools/cmake/embed.cmake"
  COMMENT "Embedding tools/render/report" VERBATIM)
target_sources(waypath_render PRIVATE "${page_cc}")
