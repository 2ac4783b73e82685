# Most of the time to compile a file of a few hundred lines goes into the headers that nearly all of them read: read once a
# library. Not where clang-tidy looks, which so shows what a file includes only by way of them.
option(WAYPATH_PCH "Precompile the headers that nearly every file reads" ON)

set(waypath_common_headers <algorithm> <array> <functional> <map> <memory> <optional> <set> <string> <string_view> <tuple>
                           <unordered_map> <utility> <variant> <vector> <fmt/format.h>)

# waypath_precompile(TARGET [headers...]): the common ones and these, <as included> or below the root of the sources.
function(waypath_precompile name)
  if(NOT WAYPATH_PCH OR NOT TARGET ${name})
    return()
  endif()
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/" REGEX "^[^<]")
  target_precompile_headers(${name} PRIVATE ${waypath_common_headers} ${ARGN})
  # The first option: what ccache needs of such a file. With <string> precompiled, GCC 12 takes the buffer of short strings for that of
  # long ones (std::string("a") + "b"); the sanitizers see real overflows.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess -Wno-array-bounds -Wno-stringop-overflow -Wno-restrict)
  else()
    target_compile_options(${name} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()

waypath_precompile(waypath_model model/snapshot.h)
foreach(library waypath_sim waypath_scenarios waypath_cli)
  waypath_precompile(${library} sim/engine.h)
endforeach()
waypath_precompile(waypath_render <nlohmann/json.hpp> sim/engine.h)
waypath_precompile(waypath_tests_model <catch2/catch.hpp> model/snapshot.h)
foreach(program sim scenarios gen tools)
  waypath_precompile(waypath_tests_${program} <catch2/catch.hpp> sim/engine.h)
endforeach()
