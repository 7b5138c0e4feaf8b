#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""policies_table: what each eviction policy makes of recordings, as a table, and at the
end a line for each measure that the learned policy is held to: pass, or FALLS SHORT.

Total I/O is page-ins plus page-outs; the ratio of a cell (a recording at a size) is over the
least of the offline schedules tried. docs/eviction.md explains the columns.
"""
import argparse
import collections
import concurrent.futures
import json
import math
import pathlib
import subprocess
import sys

import clusters
import policies_cost

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = (10, 20, 35, 50, 70, 90)
FOLDERS = (ROOT / "workloads", ROOT.parent / "shared/traces")
JUDGED = "hazard"
IO_MIN = 1000  # in cells with less the ratio to LRU is chance

Row = collections.namedtuple("Row", "frames faults page_ins page_outs looks asked_max")


def recordings(folders):
    """{name: path}: the recordings in the folders, the first of each name."""
    found = {}
    for folder in folders:
        for path in sorted(pathlib.Path(folder).glob("*.pgt.xz")):
            found.setdefault(path.name.removesuffix(".pgt.xz"), path)
    return found


def replay(program, path, sizes, names=()):
    """{(percent, policy): Row} of one recording."""
    words = [program, path, *map(str, sizes), *names]
    text = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = {}
    for line in text.splitlines():
        percent, frames, policy, *numbers = line.split()
        rows[float(percent), policy] = Row(int(frames), *map(int, numbers))
    return rows


def total(row):
    return row.page_ins + row.page_outs


def mean(values):
    """The geometric mean."""
    return math.exp(sum(math.log(max(v, 1e-9)) for v in values) / len(values))


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def ratios(cells, policy, base):
    """{cell: total I/O of the policy over that of the base}."""
    return {(name, percent): total(rows[percent, policy]) / total(rows[percent, base])
            for name, rows in cells.items() for percent in SIZES
            if total(rows[percent, base])}


def looks(cells, policy):
    """Looks at bits per page-in, mean of the cells."""
    per = [rows[percent, policy].looks / max(1, rows[percent, policy].page_ins)
           for rows in cells.values() for percent in SIZES]
    return sum(per) / len(per)


def table(cells):
    print(f"{'policy':10} {'mean':>6} {'p90':>6} {'worst':>6}  {'where':18}" +
          "".join(f"{size:>6} %" for size in SIZES) + "   looks")
    policies = {policy for rows in cells.values() for _, policy in rows}
    for policy in sorted(policies, key=lambda p: mean(ratios(cells, p, "best").values())):
        over = ratios(cells, policy, "best")
        worst = max(over, key=over.get)
        print(f"{policy:10} {mean(over.values()):6.3f} {percentile(over.values(), .9):6.2f} "
              f"{over[worst]:6.2f}  {worst[0] + ' ' + str(worst[1]) + ' %':18}" +
              "".join(f"{mean([v for k, v in over.items() if k[1] == size]):8.3f}"
                      for size in SIZES) + f"{looks(cells, policy):8.1f}")


def judge(what, figure, limit, where=""):
    verdict = "pass" if figure <= limit else "FALLS SHORT"
    print(f"{what:70} {figure:8.2f}  at most {limit:<5}  {verdict}{where}")


def judgement(cells):
    over = ratios(cells, JUDGED, "best")
    lru = {cell: ratio for cell, ratio in ratios(cells, JUDGED, "exact-lru").items()
           if total(cells[cell[0]][cell[1], JUDGED]) >= IO_MIN}
    print()
    judge("total I/O over the offline optimum, geometric mean", mean(over.values()), 1.50)
    judge("same, 90th percentile", percentile(over.values(), .9), 2.3)
    worst = max(over, key=over.get)
    judge("same, worst", over[worst], 4.2, f" ({worst[0]} at {worst[1]} %)")
    if lru:
        worst = max(lru, key=lru.get)
        judge(f"against exact LRU, worst of at least {IO_MIN:,} I/Os", lru[worst], 1.4,
              f" ({worst[0]} at {worst[1]} %)")
    judge("entries looked at per page-in, mean", looks(cells, JUDGED), 30)


def judge_cost(path):
    """Instructions, as `make bench` last measured them: the host counts none."""
    rows = json.loads(path.read_text())["rows"]
    for what, value, limit in policies_cost.LIMITS:
        judge(what, value(rows), limit)


def judge_clusters(cells):
    """What several pages in a request save."""
    for cost, limit in clusters.LIMITS.items():
        times = clusters.times(cells, cost)
        worst = max(times, key=times.get)
        judge(f"time of the clustered transfer against none, request cost {cost}",
              mean(times.values()), limit,
              f" (worst {times[worst]:.2f}, {worst[0]} at {worst[1]} %)")


def main():
    parser = argparse.ArgumentParser(prog="policies_table")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/tools/policies")
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / "bench/x86_64.json",
                        help="what make bench measured")
    parser.add_argument("--clusters", type=pathlib.Path, default=ROOT / "build/tools/cluster")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("folders", nargs="*", help="default: workloads/, and ../shared/traces")
    options = parser.parse_args()
    paths = recordings(options.folders or FOLDERS)
    if not paths:
        print("policies_table: no recordings there", file=sys.stderr)
        return 2
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        rows = pool.map(lambda path: replay(options.program, path, SIZES), paths.values())
        try:
            cells = dict(zip(paths, rows))
            clustered = clusters.measure(options.clusters, paths, options.jobs)
        except subprocess.CalledProcessError as error:
            return error.returncode
    print(f"{len(cells)} recordings, {len(SIZES)} sizes: total I/O over the offline optimum\n")
    table(cells)
    judgement(cells)
    judge_cost(options.bench)
    judge_clusters(clustered)
    return 0


if __name__ == "__main__":
    sys.exit(main())
