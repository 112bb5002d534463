"""Graphs of tasks that do nothing, in the shapes of ../graphs.cpp, on Dask with one worker of one thread:

  apt-get install python3-distributed
  python3 dask_graphs.py [NODES]        default 10000; to be compared with `quern-graphs NODES`
"""

import random
import sys
import time

from distributed import Client, LocalCluster


def noop(*_needs):
    return b""


def chain(n):
    graph = {0: (noop,)}
    for i in range(1, n // 100 if n >= 100_000 else n):
        graph[i] = (noop, i - 1)
    return graph, len(graph) - 1


def fan(n):
    graph, root = {0: (noop,)}, 0
    while len(graph) < n:
        begin = len(graph)
        width = min(10_000, n - begin)
        for i in range(begin, begin + width):
            graph[i] = (noop, root)
        root = len(graph)
        graph[root] = (noop, *range(begin, begin + width))
    return graph, root


def tree(n):
    graph = {i: (noop,) for i in range(n // 2)}
    at = 0
    while at + 1 < len(graph):
        graph[len(graph)] = (noop, at, at + 1)
        at += 2
    return graph, len(graph) - 1


def layers(n):
    draw, width = random.Random(1), min(10_000, n // 10)
    graph = {i: (noop,) for i in range(width)}
    while len(graph) + width <= n:
        begin = len(graph) - width
        for _ in range(width):
            graph[len(graph)] = (noop, begin + draw.randrange(width), begin + draw.randrange(width))
    last = len(graph)
    graph[last] = (noop, *range(last - width, last))
    return graph, last


def main():
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        client.get({0: (noop,)}, 0)
        for name, shape in (("chain", chain), ("fan-out, fan-in", fan), ("tree", tree), ("random layers", layers)):
            graph, end = shape(nodes)
            graph = {f"{name}-{key}": (task[0], *(f"{name}-{need}" for need in task[1:])) for key, task in graph.items()}
            begin = time.perf_counter()
            client.get(graph, f"{name}-{end}", optimize_graph=False)
            seconds = time.perf_counter() - begin
            print(f"{name:16} {len(graph):9} nodes  {seconds:7.3f} s  {len(graph) / seconds:9.0f} nodes/s", flush=True)


if __name__ == "__main__":
    main()
