# find_package(stele) gives stele::stele, the shared library, and stele::static, the archive, wherever they were installed.
get_filename_component(_stele_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET stele::stele)
  add_library(stele::stele SHARED IMPORTED)
  set_target_properties(stele::stele PROPERTIES
    IMPORTED_LOCATION "${_stele_prefix}/lib/libstele.so.1"
    IMPORTED_SONAME "libstele.so.1"
    INTERFACE_INCLUDE_DIRECTORIES "${_stele_prefix}/include")

  find_package(Threads REQUIRED)
  add_library(stele::static STATIC IMPORTED)
  set_target_properties(stele::static PROPERTIES
    IMPORTED_LOCATION "${_stele_prefix}/lib/libstele.a"
    INTERFACE_COMPILE_DEFINITIONS STELE_STATIC
    INTERFACE_LINK_LIBRARIES "Threads::Threads;resolv"
    INTERFACE_INCLUDE_DIRECTORIES "${_stele_prefix}/include")
endif()

set(stele_FOUND TRUE)
