# Generated clusters: a library for benchmarks and tests, and a program that writes them.
set(generator_sources generator layout managed_fields mesh_objects noise_objects parameters policy_objects service_objects
                      workload_objects writer flow_log)
list(TRANSFORM generator_sources PREPEND "${PROJECT_SOURCE_DIR}/bench/gen/")
list(TRANSFORM generator_sources APPEND ".cc")
waypath_library_from(waypath_generator ${generator_sources})
waypath_link(waypath_generator PUBLIC nlohmann_json::nlohmann_json PRIVATE fmt::fmt)
add_executable(waypath_gen bench/gen/main.cc)
target_link_libraries(waypath_gen PRIVATE waypath_generator waypath_options fmt::fmt CLI11::CLI11)
