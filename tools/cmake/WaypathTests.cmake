# One test program a layer, so that a test of the model builds without the simulator. Every Catch2 case is a ctest case.

find_package(Catch2 REQUIRED)
if(NOT TARGET Catch2::Catch2WithMain)
  message(FATAL_ERROR "Catch2 2.13 or 3 with its main library is needed")
endif()
include(Catch)

file(GLOB_RECURSE support_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/support/*.cc")
waypath_library_from(waypath_test_support ${support_sources})
waypath_link(waypath_test_support PUBLIC waypath_model)
waypath_define(waypath_test_support "WAYPATH_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")

add_custom_target(waypath_tests)
function(waypath_test_program folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/*.cc")
  if(NOT sources)
    return()
  endif()
  set(name waypath_tests_${folder})
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE waypath_test_support ${ARGN} waypath_options Catch2::Catch2WithMain)
  target_compile_definitions(${name} PRIVATE "WAYPATH_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
  catch_discover_tests(${name} TEST_PREFIX "${folder}: " DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${folder} TIMEOUT 900)
  # What tests call is optimised; they themselves compile in two thirds of the time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
  add_dependencies(waypath_tests ${name})
endfunction()

waypath_test_program(model waypath_model fmt::fmt nlohmann_json::nlohmann_json yaml-cpp::yaml-cpp)
waypath_test_program(gen waypath_scenarios waypath_generator fmt::fmt)
waypath_test_program(sim waypath_sim fmt::fmt)
waypath_test_program(scenarios waypath_scenarios fmt::fmt nlohmann_json::nlohmann_json)
if(TARGET waypath_cli)
  waypath_test_program(tools waypath_cli fmt::fmt nlohmann_json::nlohmann_json CLI11::CLI11 pugixml::pugixml)
  if(TARGET waypath_tests_tools AND TARGET waypath)
    add_dependencies(waypath_tests_tools waypath)
    target_compile_definitions(waypath_tests_tools PRIVATE "WAYPATH_BINARY=\"$<TARGET_FILE:waypath>\"")
  endif()
endif()

# Cases from other projects, beside the repository or where WAYPATH_CORPUS says. Exit code 77: no corpus, skipped.
file(GLOB_RECURSE conformance_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/conformance/*.cc")
if(conformance_sources)
  add_executable(waypath_conformance ${conformance_sources})
  target_link_libraries(waypath_conformance PRIVATE waypath_sim waypath_options fmt::fmt)
  target_compile_definitions(waypath_conformance PRIVATE "WAYPATH_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
  add_dependencies(waypath_tests waypath_conformance)
  foreach(family netpol authz routing)
    add_test(NAME "conformance: ${family}" COMMAND waypath_conformance ${family})
    set_tests_properties("conformance: ${family}" PROPERTIES LABELS conformance SKIP_RETURN_CODE 77 TIMEOUT 1200)
  endforeach()
endif()

# The same policies and requests in the real Envoy. Exit code 77: its package cannot be installed here, skipped.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_Interpreter_FOUND AND EXISTS "${PROJECT_SOURCE_DIR}/tests/envoy/oracle.cc")
  add_executable(waypath_envoy_oracle "${PROJECT_SOURCE_DIR}/tests/envoy/oracle.cc")
  target_link_libraries(waypath_envoy_oracle PRIVATE waypath_sim waypath_options nlohmann_json::nlohmann_json)
  add_dependencies(waypath_tests waypath_envoy_oracle)
  add_test(NAME "envoy: policies decide as in the real proxy"
           COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tests/envoy/run.py" $<TARGET_FILE:waypath_envoy_oracle>
                   "${PROJECT_BINARY_DIR}/envoy")
  set_tests_properties("envoy: policies decide as in the real proxy" PROPERTIES LABELS envoy SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()

# Diagrams and reports in the real Chromium, diagrams through the real Mermaid. Exit code 77: a package cannot be installed
# here, skipped.
if(Python3_Interpreter_FOUND AND TARGET waypath_cli AND NOT WAYPATH_SANITIZE AND NOT WAYPATH_COVERAGE)
  foreach(what diagrams reports)
    add_executable(waypath_browser_${what} tests/browser/${what}.cc tests/tools/verdicts.cc tests/tools/hostile.cc tests/tools/run.cc)
    target_link_libraries(waypath_browser_${what} PRIVATE waypath_cli waypath_test_support waypath_options fmt::fmt)
    add_dependencies(waypath_tests waypath_browser_${what})
  endforeach()
  function(waypath_browser_test title suite)
    add_test(NAME "browser: ${title}" COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tests/browser/run.py" ${suite}
                                              "${PROJECT_BINARY_DIR}/browser" ${ARGN})
    # One at a time: the npm packages are fetched into one folder.
    set_tests_properties("browser: ${title}" PROPERTIES LABELS browser SKIP_RETURN_CODE 77 TIMEOUT 900 RESOURCE_LOCK browser)
  endfunction()
  waypath_browser_test("Mermaid accepts every diagram" mermaid $<TARGET_FILE:waypath_browser_diagrams>)
  waypath_browser_test("a report is opened, filtered and clicked" report $<TARGET_FILE:waypath>
                       $<TARGET_FILE:waypath_browser_reports> "${PROJECT_SOURCE_DIR}")
endif()

# The real kubectl against a server that speaks the Kubernetes API. Exit code 77: kubectl cannot be installed here, skipped.
if(Python3_Interpreter_FOUND AND TARGET waypath)
  add_test(NAME "snapshot: the real kubectl reads a cluster"
           COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tests/snapshot/run.py" $<TARGET_FILE:waypath>
                   "${PROJECT_BINARY_DIR}/snapshot")
  set_tests_properties("snapshot: the real kubectl reads a cluster" PROPERTIES LABELS snapshot SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()

# The manifests that spread a run over a cluster: taken by the real kubectl, their commands run as processes. Exit code 77: kubectl
# cannot be installed here, skipped.
if(Python3_Interpreter_FOUND AND TARGET waypath)
  add_test(NAME "fleet: the shipped Jobs run, killed and again, and merge to the whole"
           COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tests/fleet/run.py" $<TARGET_FILE:waypath>
                   "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/fleet")
  set_tests_properties("fleet: the shipped Jobs run, killed and again, and merge to the whole"
                       PROPERTIES LABELS fleet SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()

# Reports and CI examples, read by programs that are not ours. Exit code 77: their packages cannot be installed here, skipped.
if(Python3_Interpreter_FOUND AND TARGET waypath)
  add_test(NAME "consumers: JUnit, TAP, SARIF and the CI examples are what other programs read"
           COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tests/consumers/run.py" $<TARGET_FILE:waypath>
                   "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/consumers")
  set_tests_properties("consumers: JUnit, TAP, SARIF and the CI examples are what other programs read"
                       PROPERTIES LABELS consumers SKIP_RETURN_CODE 77 TIMEOUT 600)
endif()

# Completions in the real shells. Exit code 77: the shell is not installed here, skipped.
if(Python3_Interpreter_FOUND AND TARGET waypath)
  foreach(shell bash zsh fish)
    add_test(NAME "shells: ${shell} completes verbs, flags, values and files"
             COMMAND "${Python3_EXECUTABLE}" -B "${PROJECT_SOURCE_DIR}/tests/shells/run.py" ${shell} $<TARGET_FILE:waypath>)
    set_tests_properties("shells: ${shell} completes verbs, flags, values and files"
                         PROPERTIES LABELS shells SKIP_RETURN_CODE 77 TIMEOUT 300)
  endforeach()
endif()

# Scripts as tests.
if(TARGET waypath)
  add_test(NAME "scenarios: every prediction" COMMAND waypath test scenarios WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  add_dependencies(waypath_tests waypath)
endif()
add_test(NAME "layers: includes go one way" COMMAND "${PROJECT_SOURCE_DIR}/tools/dev/check_layers.sh")
if(TARGET waypath_scenarios AND NOT WAYPATH_SANITIZE AND NOT WAYPATH_COVERAGE)
  add_test(NAME "install: a downstream project builds against the installed package"
           COMMAND "${CMAKE_COMMAND}" "-DBUILD_DIR=${PROJECT_BINARY_DIR}" "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
                   "-DGENERATOR=${CMAKE_GENERATOR}" "-DCXX=${CMAKE_CXX_COMPILER}"
                   "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}" "-DVERSION=${PROJECT_VERSION}" -P "${PROJECT_SOURCE_DIR}/tests/packaging/run.cmake")
  set_tests_properties("install: a downstream project builds against the installed package"
                       PROPERTIES LABELS packaging TIMEOUT 900)
endif()
if(TARGET waypath AND NOT WAYPATH_SANITIZE AND NOT WAYPATH_COVERAGE)
  add_test(NAME "package: the .deb is installed and used"
           COMMAND "${CMAKE_COMMAND}" "-DBUILD_DIR=${PROJECT_BINARY_DIR}" "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
                   "-DVERSION=${PROJECT_VERSION}" -P "${PROJECT_SOURCE_DIR}/tests/packaging/deb.cmake")
  set_tests_properties("package: the .deb is installed and used"
                       PROPERTIES LABELS packaging TIMEOUT 900 SKIP_REGULAR_EXPRESSION "packaging: skipped")
endif()
