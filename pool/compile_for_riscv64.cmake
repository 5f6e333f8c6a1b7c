# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCES=<folder> -DINCLUDE=<root> -DOUTPUT=<folder> -P compile_for_riscv64.cmake
# Compiles every C file of the folder for a bare 64-bit RISC-V core; fails on the first that does not compile.
find_program(compiler riscv64-unknown-elf-gcc)
if(NOT compiler)
  message(FATAL_ERROR "riscv64-unknown-elf-gcc is missing. Install the package gcc-riscv64-unknown-elf.")
endif()
file(GLOB sources ${SOURCES}/*.c)
if(NOT sources)
  message(FATAL_ERROR "No C files in ${SOURCES}.")
endif()
file(MAKE_DIRECTORY ${OUTPUT})
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  execute_process(
    COMMAND ${compiler} -std=c17 -ffreestanding -march=rv64imac -mabi=lp64 -Wall -Wextra -Wconversion -Wshadow -Werror
            -O2 -I${INCLUDE} -c ${source} -o ${OUTPUT}/${name}.o
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${source} does not compile for riscv64.")
  endif()
endforeach()
