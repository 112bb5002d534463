# The page in a real browser. Without chromium or the packages of package.json, a test says so and is
# skipped; scripts/setup.sh --tests installs both.
find_program(QUERN_NODE NAMES node nodejs)
quern_test_files(PAGE_TESTS page/*.test.mjs)
if(QUERN_SLOWNESS GREATER 1)  # with sanitizers: what makes the gateway do most
  list(FILTER PAGE_TESTS INCLUDE REGEX "stream\\.test\\.mjs$")
endif()
foreach(script ${PAGE_TESTS})
  get_filename_component(name ${script} NAME)
  string(REGEX REPLACE "\\.test\\.mjs$" "" name ${name})
  if(QUERN_NODE)
    set(command ${QUERN_NODE} run.mjs ${name})
  else()
    set(command ${CMAKE_COMMAND} -E echo "skipped: nodejs is not installed")
  endif()
  math(EXPR patience "600 * ${QUERN_SLOWNESS}")
  add_test(NAME page.${name} COMMAND ${command}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/page)
  set_tests_properties(page.${name} PROPERTIES
    LABELS page
    TIMEOUT ${patience}
    SKIP_REGULAR_EXPRESSION "^skipped: "
    ENVIRONMENT "QUERN_BIN=${CMAKE_BINARY_DIR}/bin;QUERN_PLUGIN=$<TARGET_FILE:quern_test_functions>;\
QUERN_SLOWNESS=${QUERN_SLOWNESS}")
endforeach()
