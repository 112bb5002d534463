# Benchmarks. ctest runs each Google Benchmark program briefly to check that it still works; the
# figures come from running it by hand.
find_package(benchmark QUIET)
if(QUERN_SANITIZE)
  message(STATUS "The benchmarks in tests/bench are not built: "
    "figures under a sanitizer mean nothing")
elseif(NOT benchmark_FOUND)
  message(STATUS "The benchmarks in tests/bench are not built: Google Benchmark is missing; "
    "scripts/setup.sh --tests installs it")
else()
  # bench_<name> from bench/<name>_bench.cpp. The remaining arguments are libraries.
  function(quern_bench name)
    add_executable(bench_${name} bench/${name}_bench.cpp)
    # Overrides the -O1 of the tests.
    target_compile_options(bench_${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O2>)
    target_link_libraries(bench_${name} PRIVATE ${ARGN} benchmark::benchmark_main quern_flags)
  endfunction()
  quern_bench(core quern_broker_core)
  quern_allocator(bench_core)  # as in the broker
  quern_bench(client quern_sdk)
  quern_bench(store quern_broker_actors)

  # The slowest arguments are left out: what is tested is that each benchmark runs and prints.
  function(quern_bench_smoke name filter)
    add_test(NAME bench.${name}
      COMMAND ${QUERN_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/bench/smoke.py
        $<TARGET_FILE:bench_${name}> --benchmark_min_time=0.01 --benchmark_filter=${filter})
    set_tests_properties(bench.${name} PROPERTIES
      LABELS bench TIMEOUT 120 ENVIRONMENT QUERN_TASKS=20000)
  endfunction()
  quern_bench_smoke(core -workers:10000)
  quern_bench_smoke(client .)
  quern_bench_smoke(store -commits:500)
endif()

if(NOT QUERN_SANITIZE)
  # Measurements that `quern bench` has no mode for; run by hand (broker/README.md).
  add_executable(quern-marks bench/marks.cpp)
  target_link_libraries(quern-marks PRIVATE quern_sdk quern_flags)
  add_library(quern_many_functions MODULE bench/many_functions.cpp)
  target_include_directories(quern_many_functions PRIVATE ${PROJECT_SOURCE_DIR}/worker/include
    $<TARGET_PROPERTY:quern_sdk,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(quern_many_functions PRIVATE quern_flags)

  add_executable(quern-graphs bench/graphs.cpp)
  target_link_libraries(quern-graphs PRIVATE quern_sdk quern_flags)

  # The measure for the HTTP gateway (gateway_rates.py), and its load (pull_rates.py).
  add_executable(bare_http bench/bare_http.cpp)
  target_compile_options(bare_http PRIVATE $<$<CONFIG:RelWithDebInfo>:-O2>)
  target_link_libraries(bare_http PRIVATE Threads::Threads)
  add_executable(pull_load bench/pull_load.cpp)
  target_link_libraries(pull_load PRIVATE Threads::Threads quern_flags)
endif()
