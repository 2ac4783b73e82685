# Installs waypath into a scratch tree and builds and runs a small project that finds the package there.
# Called by ctest with BUILD_DIR, SOURCE_DIR, GENERATOR, CXX, BUILD_TYPE, VERSION.

set(scratch "${BUILD_DIR}/packaging")
set(prefix "${scratch}/prefix")
file(REMOVE_RECURSE "${scratch}")

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

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
