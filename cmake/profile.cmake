# The release binary is optimised by what it did under load: bench/profile/gantry.proftext, which `make profile` makes
# anew (docs/decisions/0015). A function that has changed since is compiled as without a profile.
#
# Functions of one file are named by the file without its folders, so that the counts hold wherever the clone lies.
add_library(gantry_profile_names INTERFACE)
target_compile_options(gantry_profile_names INTERFACE "SHELL:-mllvm -static-func-full-module-prefix=false")
option(GANTRY_COUNT "Count what the binary does, for bench/profile" OFF)
if(GANTRY_COUNT)
  target_compile_options(gantry_options INTERFACE -fprofile-generate -fprofile-update=atomic)
  target_link_options(gantry_options INTERFACE -fprofile-generate)
  target_link_libraries(gantry_options INTERFACE gantry_profile_names)
endif()

option(GANTRY_PROFILE "Optimise by bench/profile/gantry.proftext" OFF)
if(GANTRY_PROFILE)
  find_program(LLVM_PROFDATA llvm-profdata-19 REQUIRED)
  set(counts ${PROJECT_SOURCE_DIR}/bench/profile/gantry.proftext)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${counts})
  file(SHA256 ${counts} digest)
  string(SUBSTRING ${digest} 0 12 digest)
  # Named by what is in it, so that all objects of one binary are of one profile.
  set(profile ${PROJECT_BINARY_DIR}/profile-${digest}.profdata)
  if(NOT EXISTS ${profile})
    execute_process(COMMAND ${LLVM_PROFDATA} merge -o ${profile} ${counts} COMMAND_ERROR_IS_FATAL ANY)
  endif()
  target_compile_options(gantry_options INTERFACE
    -fprofile-use=${profile} -Wno-profile-instr-out-of-date -Wno-profile-instr-unprofiled -Wno-backend-plugin)
  target_link_libraries(gantry_options INTERFACE gantry_profile_names)
endif()
