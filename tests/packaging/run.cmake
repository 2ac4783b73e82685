# Installs waypath into a scratch tree and builds and runs a small project that finds the package there.
# Called by ctest with BUILD_DIR, SOURCE_DIR, GENERATOR, CXX, BUILD_TYPE, VERSION.

include("${CMAKE_CURRENT_LIST_DIR}/common.cmake")
set(scratch "${BUILD_DIR}/packaging")
set(prefix "${scratch}/prefix")
file(REMOVE_RECURSE "${scratch}")

run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${prefix}")
run("${CMAKE_COMMAND}" -S "${SOURCE_DIR}/tests/packaging/downstream" -B "${scratch}/build" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_PREFIX_PATH=${prefix}")
run("${CMAKE_COMMAND}" --build "${scratch}/build")
run("${scratch}/build/downstream")
if(NOT output MATCHES "waypath ${VERSION}: 1 object")
  message(FATAL_ERROR "the downstream program printed: ${output}")
endif()
if(EXISTS "${prefix}/bin/waypath")
  run("${prefix}/bin/kubectl-waypath" --version)
endif()
