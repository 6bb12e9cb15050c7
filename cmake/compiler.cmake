# The compilers that may build Gantry, and the one interface target that carries standard, warnings and sanitizers.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles ordinary coroutine code (double frees of awaited temporaries), so "
    "Gantry refuses it. Use clang++-19: apt-get install clang-19 lld-19, then cmake --preset dev.")
endif()

option(GANTRY_WERROR "Treat warnings as errors (CI does)" OFF)
option(GANTRY_TEST_CONTROL "Let a control socket drive time; never in a packaged binary" OFF)
set(GANTRY_SANITIZE "" CACHE STRING "Comma list for -fsanitize=, for example address,undefined")

add_library(gantry_options INTERFACE)
target_compile_features(gantry_options INTERFACE cxx_std_23)
target_compile_options(gantry_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<NOT:$<CONFIG:Release>>:-fno-omit-frame-pointer>
  $<$<BOOL:${GANTRY_WERROR}>:-Werror>)
target_include_directories(gantry_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
if(GANTRY_TEST_CONTROL)
  target_compile_definitions(gantry_options INTERFACE GANTRY_TEST_CONTROL=1)
endif()
if(GANTRY_SANITIZE)
  target_compile_options(gantry_options INTERFACE -fsanitize=${GANTRY_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(gantry_options INTERFACE -fsanitize=${GANTRY_SANITIZE})
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
