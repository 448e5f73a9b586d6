# Compiler launcher, warnings and CPU level of Kiln's own targets. Nothing here reaches a user's code.

set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

# With ccache, paths are relative to the build folder, so that all checkouts of a machine share one cache.
# __FILE__ is a path in the repository either way.
find_program(KILN_CCACHE ccache)
if(KILN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_ABSSTDERR=1 ${KILN_CCACHE})
  file(RELATIVE_PATH source_prefix ${CMAKE_BINARY_DIR} ${PROJECT_SOURCE_DIR}/)
else()
  set(source_prefix ${PROJECT_SOURCE_DIR}/)
endif()
add_compile_options(-fmacro-prefix-map=${source_prefix}=)
# Position-independent code in which functions call and inline each other as if it were not: nobody replaces one of
# Kiln's functions by another of its name. (clang has that anyway.)
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-semantic-interposition>)

# Options are aggregates in which every member has a default, hence -Wno-missing-field-initializers. GCC 12 sees
# overlapping copies where std::string is added to (its bug 105651), hence -Wno-restrict.
set(KILN_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND KILN_WARNINGS -Wno-restrict)
endif()
if(KILN_WERROR)
  list(APPEND KILN_WARNINGS -Werror)
endif()

# The highest x86-64 level of the building machine. A named level and not -march=native: two machines with the same
# level then share compiled objects.
function(kiln_host_cpu_level result)
  set(level none)
  set(flags "")
  if(CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL CMAKE_SYSTEM_PROCESSOR AND EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo flags REGEX "^flags[\t ]*:" LIMIT_COUNT 1)
    string(REGEX MATCHALL "[a-z0-9_]+" flags "${flags}")
  endif()
  set(needs_v2 cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3)
  set(needs_v3 abm avx avx2 bmi1 bmi2 f16c fma movbe)
  set(needs_v4 avx512f avx512bw avx512cd avx512dq avx512vl)
  foreach(candidate v2 v3 v4)
    foreach(flag IN LISTS needs_${candidate})
      if(NOT flag IN_LIST flags)
        set(${result} ${level} PARENT_SCOPE)
        return()
      endif()
    endforeach()
    set(level x86-64-${candidate})
  endforeach()
  set(${result} ${level} PARENT_SCOPE)
endfunction()

set(KILN_CPU_LEVEL ${KILN_CPU})
if(KILN_CPU STREQUAL auto)
  kiln_host_cpu_level(KILN_CPU_LEVEL)
elseif(NOT KILN_CPU MATCHES "^(x86-64-v[234]|none)$")
  message(FATAL_ERROR "KILN_CPU is '${KILN_CPU}', expected auto, x86-64-v2, x86-64-v3, x86-64-v4 or none")
endif()
message(STATUS "Kiln CPU level: ${KILN_CPU_LEVEL}")

set(KILN_CPU_OPTIONS "")
if(NOT KILN_CPU_LEVEL STREQUAL none)
  list(APPEND KILN_CPU_OPTIONS -march=${KILN_CPU_LEVEL})
endif()
if(KILN_CPU_LEVEL STREQUAL x86-64-v4)
  list(APPEND KILN_CPU_OPTIONS -mprefer-vector-width=512)
endif()

# kiln_compile_options(<target> <option>...): options for the C++ sources of a target; nvcc gets its own.
function(kiln_compile_options target)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${ARGN}>"
                                           "$<$<COMPILE_LANGUAGE:CUDA>:${KILN_NVCC_OPTIONS}>")
endfunction()
