# One room, one static library, its tests and its fuzz targets beside it:
#   gantry_room(wire SOURCES a.cpp b.cpp LINKS gantry_base)
#   gantry_test(sse_test SOURCES sse_test.cpp LINKS gantry_wire)     # one gtest binary, label "unit"
#   gantry_fuzz(sse_fuzz SOURCES sse_fuzz.cpp LINKS gantry_wire CORPUS corpus/sse)
function(gantry_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(gantry_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(gantry_${name} PUBLIC gantry_options ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS})
endfunction()

# A test binary of one room. Concurrent ones say CONCURRENT and are the ones that the tsan preset runs.
function(gantry_test name)
  cmake_parse_arguments(TEST "CONCURRENT" "" "SOURCES;LINKS" ${ARGN})
  if(GANTRY_BINARY_ONLY OR (GANTRY_CONCURRENT_ONLY AND NOT TEST_CONCURRENT))
    return()
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} gantry_options GTest::gmock_main rapidcheck)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300
    ENVIRONMENT "GANTRY_SHARED=${PROJECT_SOURCE_DIR}/../shared")
endfunction()

# A fuzz target: libFuzzer in the fuzz preset, a corpus replay test everywhere else. scripts/fuzz.sh reads the list of
# targets and their corpora.
if(GANTRY_FUZZ)
  file(WRITE ${PROJECT_BINARY_DIR}/fuzz_targets.txt "")
endif()
function(gantry_fuzz name)
  cmake_parse_arguments(FUZZ "" "CORPUS" "SOURCES;LINKS" ${ARGN})
  if(GANTRY_BINARY_ONLY OR GANTRY_CONCURRENT_ONLY)
    return()
  endif()
  add_executable(${name} ${FUZZ_SOURCES})
  target_link_libraries(${name} PRIVATE ${FUZZ_LINKS} gantry_options)
  if(GANTRY_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    file(APPEND ${PROJECT_BINARY_DIR}/fuzz_targets.txt "${name}\t${CMAKE_CURRENT_SOURCE_DIR}/${FUZZ_CORPUS}\n")
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp)
    add_test(NAME ${name}_corpus COMMAND ${name} ${CMAKE_CURRENT_SOURCE_DIR}/${FUZZ_CORPUS})
    set_tests_properties(${name}_corpus PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()
