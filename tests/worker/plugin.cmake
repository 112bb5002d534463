# Plugins for the tests of --load; test_worker acts as the program that loads them.
foreach(plugin cube foreign no_plugin)
  add_library(test_plugin_${plugin} MODULE ${CMAKE_CURRENT_LIST_DIR}/plugin/${plugin}.cpp)
  target_link_libraries(test_plugin_${plugin} PRIVATE quern_flags)
  target_include_directories(test_plugin_${plugin} PRIVATE
    $<TARGET_PROPERTY:quern_worker,INTERFACE_INCLUDE_DIRECTORIES>
    $<TARGET_PROPERTY:quern_sdk,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(test_worker PRIVATE
    PLUGIN_${plugin}="$<TARGET_FILE:test_plugin_${plugin}>")
  add_dependencies(test_worker test_plugin_${plugin})
endforeach()
set_target_properties(test_worker PROPERTIES ENABLE_EXPORTS ON)
add_dependencies(test_worker quern-worker)
target_compile_definitions(test_worker PRIVATE QUERN_WORKER="$<TARGET_FILE:quern-worker>")
