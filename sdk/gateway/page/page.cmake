# The files of the page, bundled by Debian's esbuild and embedded as a C++ source of quern-gateway.
find_program(QUERN_ESBUILD esbuild)
find_file(QUERN_CHARTS dygraphs/dygraph.min.js PATHS /usr/share/javascript)
if(NOT QUERN_ESBUILD OR NOT QUERN_CHARTS)
  message(FATAL_ERROR "The page of quern-gateway needs esbuild and dygraphs: scripts/setup.sh "
    "installs them (packages esbuild and libjs-dygraphs).")
endif()
set(QUERN_PAGE ${CMAKE_BINARY_DIR}/page)
file(GLOB_RECURSE PAGE_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_LIST_DIR}/src/*.js ${CMAKE_CURRENT_LIST_DIR}/style/*.css)
add_custom_command(
  OUTPUT ${QUERN_PAGE}/files.cpp
  COMMAND python3 -B ${CMAKE_CURRENT_LIST_DIR}/embed.py --esbuild ${QUERN_ESBUILD}
    --charts ${QUERN_CHARTS} --out ${QUERN_PAGE}
  DEPENDS ${PAGE_SOURCES} ${CMAKE_CURRENT_LIST_DIR}/index.html ${CMAKE_CURRENT_LIST_DIR}/embed.py
    ${QUERN_CHARTS}
  COMMENT "Bundling the page"
  VERBATIM)
