set(KILN_LIBRARIES "")  # every layer, lower ones first
set(KILN_ARCHIVES "")   # those that have sources

# include/kiln is a link to the source folder: headers have one spelling, <kiln/...>, built or installed.
set(KILN_INCLUDE_DIR ${PROJECT_SOURCE_DIR}/include)

# kiln_library(<folder> [INTERNAL] [DEPENDS <folder>...] [PACKAGES <target>...] [HEADERS <target>...])
#
# Target kiln_<folder>: a library of all sources in <folder>, shared with BUILD_SHARED_LIBS. Folders named `cuda` are
# left out without KILN_CUDA. DEPENDS are seen by users of the library, PACKAGES are linked only, HEADERS are needed by
# the build only. Internal headers are not installed: all of them with INTERNAL, else those whose first comment begins
# with `// Internal`.
function(kiln_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "INTERNAL" "" "DEPENDS;PACKAGES;HEADERS")
  set(target kiln_${folder})
  set(archives ${KILN_ARCHIVES})
  kiln_glob(sources ${PROJECT_SOURCE_DIR}/${folder} cpp cu)
  kiln_glob(headers ${KILN_INCLUDE_DIR}/kiln/${folder} h)
  kiln_public_headers(public ${arg_INTERNAL} ${headers})

  set(scope PUBLIC)
  if(sources)
    add_library(${target} ${sources})
    kiln_cuda_sources(${sources})
    kiln_compile_options(${target} ${KILN_WARNINGS} ${KILN_CPU_OPTIONS})
    target_include_directories(${target} PRIVATE ${KILN_CUDA_INCLUDES})
    target_link_libraries(${target} PRIVATE ${arg_PACKAGES})
    foreach(package IN LISTS arg_HEADERS)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${package}>)
    endforeach()
    kiln_shared_library(${target})
    list(APPEND archives ${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(kiln::${folder} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${KILN_INCLUDE_DIR} FILES ${public})
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${KILN_INCLUDE_DIR}>)
  target_compile_features(${target} ${scope} cxx_std_20)
  list(TRANSFORM arg_DEPENDS PREPEND kiln_)
  target_link_libraries(${target} ${scope} ${arg_DEPENDS})

  # Internal headers belong to a target that is not installed, for the check that each compiles on its own.
  list(REMOVE_ITEM headers ${public})
  add_library(${target}_internal INTERFACE)
  target_sources(${target}_internal INTERFACE FILE_SET HEADERS BASE_DIRS ${KILN_INCLUDE_DIR} FILES ${headers})
  target_link_libraries(${target}_internal INTERFACE ${target} ${arg_PACKAGES} ${arg_HEADERS})
  target_include_directories(${target}_internal INTERFACE ${KILN_CUDA_INCLUDES})

  set(KILN_LIBRARIES ${KILN_LIBRARIES} ${target} PARENT_SCOPE)
  set(KILN_ARCHIVES ${archives} PARENT_SCOPE)
endfunction()

# kiln_public_headers(<result> <all internal> <header>...): those that users may include.
function(kiln_public_headers result all_internal)
  set(public "")
  if(NOT all_internal)
    foreach(header IN LISTS ARGN)
      file(STRINGS ${header} comment REGEX "^//" LIMIT_COUNT 1)
      if(NOT comment MATCHES "^// Internal")
        list(APPEND public ${header})
      endif()
    endforeach()
  endif()
  set(${result} ${public} PARENT_SCOPE)
endfunction()

# Before 1.0 a minor version may change the interface, so it is part of the soname. No -DX_EXPORTS: objects of static
# and of shared libraries are the same for ccache. An upward reference does not link.
function(kiln_shared_library target)
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} DEFINE_SYMBOL ""
                        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  if(BUILD_SHARED_LIBS AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_link_options(${target} PRIVATE LINKER:--no-undefined)
  endif()
endfunction()

# kiln_glob(<result> <folder> <ending>...): the files below <folder>, without the CUDA ones where CUDA is off.
function(kiln_glob result folder)
  set(files "")
  foreach(ending IN LISTS ARGN)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*.${ending})
    list(APPEND files ${found})
  endforeach()
  if(NOT KILN_CUDA)
    list(FILTER files EXCLUDE REGEX "(^|/)cuda/")
  endif()
  list(TRANSFORM files PREPEND ${folder}/)
  set(${result} ${files} PARENT_SCOPE)
endfunction()

# kiln_folder_options(<folder> <option>...): compiler options of one folder's own sources.
function(kiln_folder_options folder)
  if(kiln_${folder} IN_LIST KILN_ARCHIVES)
    kiln_compile_options(kiln_${folder} ${ARGN})
  endif()
endfunction()
