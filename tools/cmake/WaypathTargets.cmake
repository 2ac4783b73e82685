# waypath_options: how our own code is compiled. Not for those who link waypath.
add_library(waypath_options INTERFACE)
target_compile_options(waypath_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports std::optional and std::variant members that are never read, and moves of Boost's small_vector.
  target_compile_options(waypath_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overread)
endif()
if(WAYPATH_WERROR)
  target_compile_options(waypath_options INTERFACE -Werror)
endif()
if(WAYPATH_COVERAGE)
  target_compile_options(waypath_options INTERFACE --coverage)
  target_link_options(waypath_options INTERFACE --coverage)
endif()
if(WAYPATH_FUZZ AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "WAYPATH_FUZZ needs clang (16 or newer): pass -DCMAKE_CXX_COMPILER=clang++-16")
endif()
if(WAYPATH_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(WAYPATH_SANITIZE)
  # For the whole build: a sanitizer in half of a program reports what is not there.
  list(JOIN WAYPATH_SANITIZE "," sanitizers)
  add_compile_options("-fsanitize=${sanitizers}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options("-fsanitize=${sanitizers}")
endif()

# Every allocation of a program, its libraries' too: the shared library stands before libc where symbols are looked up.
function(waypath_allocator program)
  if(TARGET mimalloc)
    target_link_libraries(${program} PRIVATE $<$<CXX_COMPILER_ID:GNU,Clang>:-Wl,--no-as-needed> mimalloc
                                             $<$<CXX_COMPILER_ID:GNU,Clang>:-Wl,--as-needed>)
    target_compile_definitions(${program} PRIVATE WAYPATH_MIMALLOC)
  endif()
endfunction()

# A static library of the given sources. Without sources (a folder that is still empty) it only carries its headers.
function(waypath_library_from name)
  if(ARGN)
    add_library(${name} STATIC ${ARGN})
    set(scope PUBLIC)
    target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:waypath_options>)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_compile_features(${name} ${scope} cxx_std_20)
  target_include_directories(
    ${name} ${scope} "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/waypath>")
endfunction()

# A static library of all sources below a folder.
function(waypath_library name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cc")
  waypath_library_from(${name} ${sources})
endfunction()

# target_link_libraries(... PUBLIC ... PRIVATE ...) that also accepts a library without sources.
function(waypath_link name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE" ${ARGN})
  get_target_property(type ${name} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  else()
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  endif()
endfunction()

function(waypath_define name)
  get_target_property(type ${name} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    target_compile_definitions(${name} PRIVATE ${ARGN})
  endif()
endfunction()
