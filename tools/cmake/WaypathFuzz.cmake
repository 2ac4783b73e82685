# tests/fuzz/<name>.cc makes the program fuzz_<name> (libFuzzer).
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*.cc")
add_custom_target(waypath_fuzz)
# What is fuzzed most: without optimisation the minute goes by on the seeds. The rest is quicker to compile without.
file(GLOB readers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/model/yaml/*.cc" "${PROJECT_SOURCE_DIR}/model/base/*.cc"
     "${PROJECT_SOURCE_DIR}/model/*/decode*.cc")
set_source_files_properties(${readers} PROPERTIES COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name "${source}" NAME_WE)
  add_executable(fuzz_${name} "${source}")
  target_link_libraries(fuzz_${name} PRIVATE waypath_scenarios waypath_options yaml-cpp::yaml-cpp)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(waypath_fuzz fuzz_${name})
endforeach()
