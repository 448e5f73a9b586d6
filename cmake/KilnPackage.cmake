# make package: .deb files by CPack. `kiln` is what programs need to run, and the command; `kiln-dev` what they need to be
# built. Made from the preset `package`.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The Kiln authors <kiln@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME kiln)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}: shared libraries and the command kiln")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME kiln-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "${PROJECT_DESCRIPTION}: headers and what builds of programs need")

# What the libraries need is found in them; Kiln's own are in the package itself.
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ${BUILD_SHARED_LIBS})
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY =)

# kiln_packages(<result> <section>...): packages of these sections of packages.txt.
function(kiln_packages result)
  set(packages "")
  file(STRINGS ${PROJECT_SOURCE_DIR}/packages.txt lines REGEX "^[^#]")
  foreach(line IN LISTS lines)
    if(line MATCHES "^\\[(.*)\\]$")
      set(section ${CMAKE_MATCH_1})
    elseif(section IN_LIST ARGN)
      list(APPEND packages ${line})
    endif()
  endforeach()
  set(${result} ${packages} PARENT_SCOPE)
endfunction()

if(BUILD_SHARED_LIBS)
  kiln_packages(needed headers)
else()
  kiln_packages(needed headers static)
endif()
list(PREPEND needed "kiln (= ${PROJECT_VERSION})")
list(REMOVE_DUPLICATES needed)
list(JOIN needed ", " CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)

# Libraries for newer processors than Debian asks for are not installed where they cannot run.
if(NOT KILN_CPU_LEVEL STREQUAL none)
  configure_file(cmake/preinst.in package/preinst @ONLY FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
                 GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/package/preinst)
endif()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/kiln RENAME copyright COMPONENT runtime)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/kiln-dev RENAME copyright COMPONENT development
        EXCLUDE_FROM_ALL)  # in the package alone

include(CPack)
