# install, find_package(kiln) and pkg-config. Components: `runtime`, what a program needs to run, and `development`.

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/kiln)

# Builds all that is installed.
add_custom_target(installable DEPENDS ${KILN_ARCHIVES})

install(TARGETS ${KILN_LIBRARIES} kiln EXPORT kilnTargets
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development
        FILE_SET HEADERS COMPONENT development)
install(EXPORT kilnTargets NAMESPACE kiln:: DESTINATION ${package_dir} COMPONENT development)

configure_package_config_file(cmake/kilnConfig.cmake.in kilnConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(kilnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/kilnConfig.cmake ${PROJECT_BINARY_DIR}/kilnConfigVersion.cmake
        DESTINATION ${package_dir} COMPONENT development)

# The prefix is found from the file's own place, so that an installed tree can be moved. A shared library brings what it
# needs; programs find it by their own search path, but in the system's folders.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(pc_libraries ${KILN_ARCHIVES})
list(REVERSE pc_libraries)
list(TRANSFORM pc_libraries PREPEND -l)
list(JOIN pc_libraries " " pc_libraries)
set(pc_requires "")
if(BUILD_SHARED_LIBS)
  if(NOT KILN_SYSTEM_PREFIX)
    string(PREPEND pc_libraries "-Wl,-rpath,\${libdir} ")
  endif()
else()
  set(pc_requires "fmt zlib libjpeg libpng stb expat")
  string(APPEND pc_libraries " -ldnnl")
  if(KILN_HAVE_BACKTRACE)
    string(APPEND pc_libraries " -lbacktrace")
  endif()
  if(KILN_CUDA)
    list(GET CUDAToolkit_LIBRARY_DIR 0 toolkit)
    string(APPEND pc_libraries " ${KILN_CUDNN_LIBRARY} -L${toolkit} -lcublasLt -lcudart_static -ldl -lrt -lpthread")
  endif()
  string(APPEND pc_libraries " -fopenmp")
endif()
configure_file(cmake/kiln.pc.in kiln.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kiln.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
