# kiln_programs(<folder> <prefix> [<package>...])
#
# One program a source file: <folder>/x.cpp is target <prefix>_x and lands in <build>/<folder>/x. Target <folder>
# builds them all.
function(kiln_programs folder prefix)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  add_custom_target(${folder})
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM name)
    set(target ${prefix}_${name})
    add_executable(${target} ${source})
    target_compile_options(${target} PRIVATE ${KILN_WARNINGS})
    target_link_libraries(${target} PRIVATE kiln::kiln fmt::fmt ${ARGN})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
                                               RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
    add_dependencies(${folder} ${target})
  endforeach()
endfunction()

# kiln_command(<folder>): all sources of <folder> are one program, <build>/kiln.
function(kiln_command folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(kiln_command ${sources})
  target_compile_options(kiln_command PRIVATE ${KILN_WARNINGS})
  target_link_libraries(kiln_command PRIVATE kiln::kiln fmt::fmt CLI11::CLI11)
  set_target_properties(kiln_command PROPERTIES OUTPUT_NAME kiln RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  if(TARGET installable)
    add_dependencies(installable kiln_command)
  endif()
  # `cmake --install` after `make demo`, which does not build it, leaves it out.
  install(TARGETS kiln_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime OPTIONAL)
endfunction()

find_package(benchmark CONFIG REQUIRED)
