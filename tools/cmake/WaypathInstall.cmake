# The binary (also under the name by which kubectl finds it), the shipped clusters and scenarios, the headers and a CMake
# package with one target: waypath::waypath.
include(CMakePackageConfigHelpers)

add_library(waypath_all INTERFACE)
set_target_properties(waypath_all PROPERTIES EXPORT_NAME waypath)
target_link_libraries(waypath_all INTERFACE waypath_scenarios waypath_sim waypath_model)
add_library(waypath::waypath ALIAS waypath_all)

set(WAYPATH_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/waypath")
install(TARGETS waypath_all waypath_scenarios waypath_sim waypath_model EXPORT waypathTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(EXPORT waypathTargets NAMESPACE waypath:: DESTINATION "${WAYPATH_CMAKE_DIR}" COMPONENT development)
configure_package_config_file(tools/cmake/waypathConfig.cmake.in "${PROJECT_BINARY_DIR}/waypathConfig.cmake"
                              INSTALL_DESTINATION "${WAYPATH_CMAKE_DIR}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/waypathConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/waypathConfig.cmake" "${PROJECT_BINARY_DIR}/waypathConfigVersion.cmake"
        DESTINATION "${WAYPATH_CMAKE_DIR}" COMPONENT development)
foreach(folder model sim scenarios)
  install(DIRECTORY ${folder} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/waypath" COMPONENT development
          FILES_MATCHING PATTERN "*.h" PATTERN "clusters" EXCLUDE)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/generated/model/base/version.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/waypath/model/base" COMPONENT development)

if(TARGET waypath)
  install(TARGETS waypath RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tool)
  install(CODE "
    set(dir \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    file(CREATE_LINK waypath \"\${dir}/kubectl-waypath\" SYMBOLIC)" COMPONENT tool)
  # The manual page and the completions come from the program itself: they say what --help says.
  set(manual "${PROJECT_BINARY_DIR}/manual")
  set(manual_files "${manual}/waypath.1" "${manual}/waypath" "${manual}/_waypath" "${manual}/waypath.fish")
  add_custom_command(
    OUTPUT ${manual_files}
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${manual}"
    COMMAND waypath man > "${manual}/waypath.1"
    COMMAND waypath completion bash > "${manual}/waypath"
    COMMAND waypath completion zsh > "${manual}/_waypath"
    COMMAND waypath completion fish > "${manual}/waypath.fish"
    DEPENDS waypath COMMENT "Writing the manual page and completions")
  add_custom_target(waypath_manual ALL DEPENDS ${manual_files})
  install(FILES "${manual}/waypath.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tool)
  install(FILES "${manual}/waypath.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" RENAME kubectl-waypath.1 COMPONENT tool)
  install(FILES "${manual}/waypath" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" COMPONENT tool)
  install(FILES "${manual}/_waypath" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions" COMPONENT tool)
  install(FILES "${manual}/waypath.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT tool)
  install(FILES CHANGELOG.md LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/waypath" COMPONENT tool)
  install(DIRECTORY scenarios/ DESTINATION "${CMAKE_INSTALL_DATADIR}/waypath" COMPONENT tool
          FILES_MATCHING PATTERN "*.yaml" PATTERN "*.json" PATTERN "*.md")
endif()
