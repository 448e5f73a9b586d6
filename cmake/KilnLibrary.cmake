set(KILN_LIBRARIES "")  # every layer, lower ones first
set(KILN_ARCHIVES "")   # those that have sources

# include/kiln is a link to the source folder: headers have one spelling, <kiln/...>, built or installed.
set(KILN_INCLUDE_DIR ${PROJECT_SOURCE_DIR}/include)

# kiln_library(<folder> [DEPENDS <folder>...] [PACKAGES <target>...] [HEADERS <target>...])
#
# Target kiln_<folder>: a static library of all sources in <folder>. Folders named `cuda` are left out without
# KILN_CUDA. DEPENDS are seen by users of the library, PACKAGES are linked only, HEADERS are needed by the build only.
function(kiln_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;PACKAGES;HEADERS")
  set(target kiln_${folder})
  set(archives ${KILN_ARCHIVES})
  kiln_glob(sources ${PROJECT_SOURCE_DIR}/${folder} cpp cu)
  kiln_glob(headers ${KILN_INCLUDE_DIR}/kiln/${folder} h)

  set(scope PUBLIC)
  if(sources)
    add_library(${target} STATIC ${sources})
    kiln_cuda_sources(${sources})
    kiln_compile_options(${target} ${KILN_WARNINGS} ${KILN_CPU_OPTIONS})
    target_include_directories(${target} PRIVATE ${KILN_CUDA_INCLUDES})
    target_link_libraries(${target} PRIVATE ${arg_PACKAGES})
    foreach(package IN LISTS arg_HEADERS)
      target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${package}>)
    endforeach()
    list(APPEND archives ${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(kiln::${folder} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${folder})
  target_sources(${target} ${scope} FILE_SET HEADERS BASE_DIRS ${KILN_INCLUDE_DIR} FILES ${headers})
  target_compile_features(${target} ${scope} cxx_std_20)
  list(TRANSFORM arg_DEPENDS PREPEND kiln_)
  target_link_libraries(${target} ${scope} ${arg_DEPENDS})

  set(KILN_LIBRARIES ${KILN_LIBRARIES} ${target} PARENT_SCOPE)
  set(KILN_ARCHIVES ${archives} PARENT_SCOPE)
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
