# SPDX-License-Identifier: Apache-2.0
# Gives the target ns_systemc: SystemC with TLM-2.0, from its CMake package (self-built 3.x) or from pkg-config
# (the distributions' 2.3.4). A SystemC that was built for another C++ standard fails at link time over a version
# symbol, so that is probed here, where the message can say what to do.
find_package(SystemCLanguage CONFIG QUIET)
add_library(ns_systemc INTERFACE)
if(SystemCLanguage_FOUND)
  target_link_libraries(ns_systemc INTERFACE SystemC::systemc)
  set(ns_systemc_probe SystemC::systemc)
else()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(SYSTEMC QUIET IMPORTED_TARGET systemc)
  endif()
  if(NOT SYSTEMC_FOUND)
    message(FATAL_ERROR "SystemC is missing. Install the package libsystemc-dev (and pkg-config), or point "
                        "CMAKE_PREFIX_PATH to a SystemC that was built with CMake.")
  endif()
  target_link_libraries(ns_systemc INTERFACE PkgConfig::SYSTEMC)
  set(ns_systemc_probe PkgConfig::SYSTEMC)
endif()
get_target_property(ns_systemc_includes ${ns_systemc_probe} INTERFACE_INCLUDE_DIRECTORIES)
if(ns_systemc_includes)
  target_include_directories(ns_systemc SYSTEM INTERFACE ${ns_systemc_includes})
endif()
target_compile_definitions(ns_systemc INTERFACE SC_INCLUDE_DYNAMIC_PROCESSES)

if(NOT DEFINED NS_SYSTEMC_LINKS)
  file(WRITE ${CMAKE_BINARY_DIR}/probe/systemc.cpp "#include <systemc>\nint sc_main(int, char **) { return 0; }\n")
  try_compile(NS_SYSTEMC_LINKS ${CMAKE_BINARY_DIR}/probe SOURCES ${CMAKE_BINARY_DIR}/probe/systemc.cpp
              LINK_LIBRARIES ${ns_systemc_probe} CXX_STANDARD ${CMAKE_CXX_STANDARD} CXX_STANDARD_REQUIRED ON
              OUTPUT_VARIABLE ns_systemc_output)
  if(NOT NS_SYSTEMC_LINKS)
    unset(NS_SYSTEMC_LINKS CACHE)
    message(FATAL_ERROR "SystemC was found but does not link as C++${CMAKE_CXX_STANDARD}. It must be built with "
                        "the same standard; Debian's libsystemc-dev is.\n${ns_systemc_output}")
  endif()
endif()
