#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""policies_kernel: does the kernel under `make run` move the pages that `make policies` says?
Recordings at some sizes with some policies, each replayed on the reference kernel in QEMU and
on the host: page-ins and page-outs of both, and at the end a line: pass, or FALLS SHORT.

Exit status 0: every cell is within the limit; 1: it is not, or a run failed; 2: bad input.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import policies_table as host
import run_machine as machine

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECORDINGS = ("sqlite_bulk", "mergesort", "gitlog", "cc1")
SIZES = (20, 35, 50)
POLICIES = ("clock", "hazard")
LIMIT = 1  # percent
COUNTS = ("page_ins", "page_outs")


def parse():
    parser = argparse.ArgumentParser(prog="policies_kernel")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--program", type=pathlib.Path,
                        help="the host's replay; default: BUILD/tools/policies")
    parser.add_argument("--arch", default="x86_64")
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES, metavar="PERCENT")
    parser.add_argument("--policies", nargs="+", default=POLICIES, metavar="POLICY")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("recordings", nargs="*", default=RECORDINGS,
                        help="names in workloads/, or files; default: " + ", ".join(RECORDINGS))
    return parser.parse_args()


def tool(*words):
    """Run it to its end, or fail with what it printed."""
    done = subprocess.run([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode:
        kind = machine.BadInput if done.returncode == 2 else machine.Failed
        raise kind(" ".join(map(str, words)) + "\n" + done.stdout)


def path_of(name):
    """A recording of ours by its name, or any by its path."""
    return pathlib.Path(name) if "/" in name else ROOT / "workloads" / f"{name}.pgt.xz"


def on_kernel(options, name, size, policy):
    """The report of one `make run`."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report"
        tool(ROOT / "tools/run", "--build", options.build, "--arch", options.arch, "--json",
             report, "--workload", path_of(name), "--ram", size, "--policy", policy)
        return json.loads(report.read_text())


def on_host(options, name):
    """{(percent, policy): Row}"""
    try:
        return host.replay(options.program or options.build / "tools/policies", path_of(name),
                           options.sizes, options.policies)
    except subprocess.CalledProcessError as error:
        raise machine.BadInput if error.returncode == 2 else machine.Failed("policies failed")


def difference(kernel, row):
    """The larger of the counts' differences, in percent of the host's."""
    return max(100 * abs(kernel[key] - getattr(row, key)) / max(getattr(row, key), 1)
               for key in COUNTS)


def line(cell, kernel, row):
    name, size, policy = cell
    if kernel["ram_frames"] != row.frames:
        raise machine.Failed(f"{name} at {size:g} %: {kernel['ram_frames']} frames in the kernel, "
                             f"{row.frames} on the host")
    counts = [f"{value:9,}" for key in COUNTS for value in (kernel[key], getattr(row, key))]
    print(f"{kernel['workload']:14}{size:5g} % {row.frames:8,}  {policy:8}", *counts,
          f"{difference(kernel, row):8.2f}", flush=True)


def compare(options):
    cells = [(name, size, policy) for name in options.recordings for size in options.sizes
             for policy in options.policies]
    print(f"{'recording':14}{'memory':>7} {'frames':>8}  {'policy':8}",
          *(f"{title:>9}" for title in ("page-ins", "on host", "page-outs", "on host")),
          "diff., %", flush=True)
    worst = 0.0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        try:
            hosts = {name: pool.submit(on_host, options, name) for name in options.recordings}
            kernels = [pool.submit(on_kernel, options, *cell) for cell in cells]
            for cell, kernel in zip(cells, kernels):
                name, size, policy = cell
                row = hosts[name].result()[size, policy]
                line(cell, kernel.result(), row)
                worst = max(worst, difference(kernel.result(), row))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print()
    host.judge("page-ins, page-outs: kernel and host, largest difference, %", worst, LIMIT)
    if worst > LIMIT:
        raise machine.Failed("the host's figures are not the kernel's")


if __name__ == "__main__":
    sys.exit(machine.status_of("policies_kernel", compare, parse()))
