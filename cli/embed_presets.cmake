# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=FILE.c -DFOLDER=DIR -DTABLE=NAME -P embed_presets.cmake: every DIR/NAME.dma as a C array, all of them
# in the table NAME (presets.h).
file(GLOB files ${FOLDER}/*.dma)
list(SORT files)
set(text "/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by embed_presets.cmake. */\n")
string(APPEND text "#include \"cli/presets.h\"\n\n")
set(table "")
set(number 0)
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WLE)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  # The closing 0 is not counted; it keeps an empty file a valid array.
  string(APPEND text "static const unsigned char preset_${number}[] = {\n${bytes}0};\n\n")
  string(APPEND table "    {\"${name}\", preset_${number}, sizeof preset_${number} - 1},\n")
  math(EXPR number "${number} + 1")
endforeach()
string(APPEND text "const struct ns_preset ${TABLE}[] = {\n${table}    {0, 0, 0},\n};\n")
file(WRITE ${OUTPUT} "${text}")
