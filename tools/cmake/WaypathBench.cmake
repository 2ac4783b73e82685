file(GLOB bench_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bench/*.cc")
if(bench_sources)
  find_package(benchmark REQUIRED)
  add_executable(waypath_bench ${bench_sources})
  target_link_libraries(waypath_bench PRIVATE waypath_scenarios waypath_generator waypath_options fmt::fmt yaml-cpp::yaml-cpp
                                              simdjson::simdjson
                                              benchmark::benchmark benchmark::benchmark_main)
  waypath_allocator(waypath_bench)
  target_compile_definitions(waypath_bench PRIVATE "WAYPATH_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
endif()

# What callgrind counts the instructions of (tools/dev/check_instructions.sh).
add_executable(waypath_instructions bench/instructions/workloads.cc)
target_link_libraries(waypath_instructions PRIVATE waypath_scenarios waypath_generator waypath_options fmt::fmt)
target_compile_definitions(waypath_instructions PRIVATE "WAYPATH_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")
