# The simulator: the production cores in virtual time.
quern_test_files(SIM_SOURCES sim/*.cpp)
add_executable(quern-sim ${SIM_SOURCES} ${PROJECT_SOURCE_DIR}/sdk/cli/output/timeline.cpp)
quern_precompile(quern-sim)
quern_unity(quern-sim)
target_include_directories(quern-sim PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/sdk)
target_link_libraries(quern-sim PRIVATE quern_broker_core quern_worker quern_sdk
  Boost::program_options nlohmann_json::nlohmann_json quern_flags)
quern_allocator(quern-sim)  # as in the broker, whose core it measures
if(QUERN_SANITIZE)
  set(QUERN_SIM_SEEDS 5)
else()
  set(QUERN_SIM_SEEDS 300)
endif()
# The simulator must find each of these deliberate mistakes. That it does so under a sanitizer says
# nothing more.
set(mistakes "")
if(NOT QUERN_SANITIZE)
  set(mistakes acknowledge-early forget-frontier copy-anything forget-outbox lose-wakeup)
endif()
foreach(mistake ${mistakes})
  add_test(NAME sim.finds_${mistake} COMMAND quern-sim --mistake ${mistake} --seeds 200)
  set_tests_properties(sim.finds_${mistake} PROPERTIES TIMEOUT 900)
endforeach()
add_test(NAME sim.edges COMMAND quern-sim --edges --seeds ${QUERN_SIM_SEEDS})
set_tests_properties(sim.edges PROPERTIES TIMEOUT 1800)
math(EXPR QUERN_NESTED_SEEDS "${QUERN_SIM_SEEDS} / 5 + 1")
add_test(NAME sim.nested COMMAND quern-sim --nested --seeds ${QUERN_NESTED_SEEDS})
set_tests_properties(sim.nested PROPERTIES TIMEOUT 1800)
# Scenarios for the scheduler in virtual time, each with the limit of its run time relative to a
# lower bound for any schedule.
foreach(case three-tasks=1.01 rates-1-2-3=1.03 one-fast=1.03 log-normal=1.03 slows=1.15
        freezes=1.15 vanishes=1.15 two-functions=1.05 many-jobs=1.03 dear-tries=1.06
        four-functions=1.05)
  string(REPLACE "=" ";" case ${case})
  list(GET case 0 name)
  list(GET case 1 ratio)
  add_test(NAME sim.scenario.${name} COMMAND quern-sim --scenario ${name} --at-most ${ratio})
  set_tests_properties(sim.scenario.${name} PROPERTIES TIMEOUT 300)
endforeach()
add_test(NAME sim.pinned_seeds COMMAND quern-sim --seed 1 --seeds ${QUERN_SIM_SEEDS})
set_tests_properties(sim.pinned_seeds PROPERTIES TIMEOUT 900)
if(NOT QUERN_SANITIZE)
  add_test(NAME sim.fresh_seeds COMMAND quern-sim --chaos --fresh --seeds 300)
  set_tests_properties(sim.fresh_seeds PROPERTIES TIMEOUT 900)
endif()
