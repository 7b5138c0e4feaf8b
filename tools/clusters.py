# SPDX-License-Identifier: Apache-2.0
"""clusters: the measures of several pages in a request, for tools/clusters_table and
tools/policies_table.py.

A cell is a recording at a size of memory, replayed by build/tools/cluster page by page and with
a store that says what a request costs. Time is requests times their cost, and pages; a cell's
ratios are of that time, and of the requests, to those of page by page.
"""
import concurrent.futures
import subprocess

SIZES = (20, 50, 70)
LIMITS = {4: 0.55, 0.2: 1.00}  # the time's ratio at a request cost of so many pages


def counts(program, path, size, cost):
    """Requests and pages."""
    done = subprocess.run([program, path, str(size), str(cost)], stdout=subprocess.PIPE,
                          text=True, check=True)
    numbers = [float(word) for word in done.stdout.split()]
    return numbers[3] + numbers[4], numbers[5] + numbers[6]


def cell(program, path, size):
    """{cost: (time ratio, request ratio)}; none where there is nothing to move."""
    requests, pages = counts(program, path, size, 0)
    ratios = {}
    for cost in LIMITS if requests else ():
        fewer, moved = counts(program, path, size, cost)
        ratios[cost] = ((fewer * cost + moved) / (requests * cost + pages), fewer / requests)
    return ratios


def measure(program, paths, jobs):
    """{(name, size): {cost: (time ratio, request ratio)}} of {name: path}."""
    places = [(name, size) for name in paths for size in SIZES]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        cells = pool.map(lambda place: cell(program, paths[place[0]], place[1]), places)
        return {place: ratios for place, ratios in zip(places, cells) if ratios}


def times(cells, cost):
    """{(name, size): the time's ratio}."""
    return {place: ratios[cost][0] for place, ratios in cells.items()}
