# SPDX-License-Identifier: Apache-2.0
"""breakdown_parts: which instructions a row of `make bench` is, by part and by function, for
tools/bench and tools/breakdown.

QEMU's plugin (tools/breakdown_plugin.c) counts how often each instruction was executed in the
samples that a row is. Debug information says which function each was written in, inlined or not,
and tools/breakdown.list which part that is. What an empty sample costs is taken off where it was
executed, as it is taken off the row, so the sum is the row.
"""
import collections
import fnmatch
import json
import os
import re
import subprocess
import tempfile

import bench_runs
import run_machine as machine

NM = os.environ.get("NM", "llvm-nm-14")
SYMBOLIZER = os.environ.get("SYMBOLIZER", "llvm-symbolizer-14")
LIST = machine.ROOT / "tools/breakdown.list"
LINE = re.compile(r"@(row|sample) (\w+) (\S+)$")
OUTERMOST = "benchmark"
# Rows that are kept in bench/<arch>.json.
KEPT = ("fault_first_touch", "fault_first_touch_read", "fault_free_frame",
        "fault_evict_clean", "fault_evict_clean_mean", "fault_evict_dirty",
        "fault_evict_dirty_mean", "fault_reads_hazard_mean",
        "phys_map_1", "phys_unmap_1", "anon_lock_map_1", "anon_lock_unmap_1",
        "anon_lazy_map_1", "anon_lazy_unmap_1", "anon_lock_map_256", "anon_lock_unmap_256",
        "partition_add_1", "page_out_0_domains",
        "user_clock_ram_free_mean", "user_clock_ram_clean_mean", "user_clock_ram_dirty_mean",
        "user_clock_disk_free_mean", "user_clock_disk_clean_mean", "user_hazard_ram_clean_mean",
        "user_hazard_disk_clean_mean", "user_clock_ram_free_mean_shared")

Place = collections.namedtuple("Place", "part function file line")


class Places:
    """Where each instruction of a program was written, by its address."""

    def __init__(self, elf):
        self.elf, self.places = elf, {}
        self.rules = []
        for line in LIST.read_text().splitlines():
            if line and not line.startswith("#"):
                part, pattern, _ = line.split(None, 2)
                self.rules.append((part, *(pattern + ":*").split(":")[:2]))

    def learn(self, addresses):
        wanted = sorted(set(addresses) - self.places.keys())
        if not wanted:
            return
        done = subprocess.run([SYMBOLIZER, f"--obj={self.elf}", "--inlines",
                               "--output-style=JSON"], input="".join(f"{a:#x}\n" for a in wanted),
                              stdout=subprocess.PIPE, text=True, check=True)
        for address, line in zip(wanted, done.stdout.splitlines()):
            self.places[address] = self.place(json.loads(line)["Symbol"])

    def place(self, frames):
        """That of the innermost of the functions that are inlined in each other."""
        frames = [(frame["FunctionName"], source_of(frame["FileName"]), frame["Line"])
                  for frame in frames]
        part = "other"
        for function, file, _ in frames:
            part = self.part_of(function, file)
            if part != "caller":
                break
        return Place("other" if part == "caller" else part, *frames[0])

    def part_of(self, function, file):
        for part, files, functions in self.rules:
            if fnmatch.fnmatchcase(file, files) and fnmatch.fnmatchcase(function, functions):
                return part
        return "other"


def source_of(path):
    """A file below the root, whatever folder it was compiled in."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    below = ("/".join(parts[i:]) for i in range(len(parts)))
    return next((name for name in below if (machine.ROOT / name).is_file()), path)


def functions_of(elf):
    """Addresses of the functions that begin and end a sample."""
    text = subprocess.run([NM, elf], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {words[2]: int(words[0], 16) for words in map(str.split, text.splitlines())
            if len(words) == 3 and words[2] in ("sample_begin", "sample_end")}


def found_in(lines):
    """({row: value}, {row: its samples}) of what a run printed."""
    found = {"row": {}, "sample": {}}
    for kind, name, value in (match.groups() for match in map(LINE.match, lines) if match):
        found[kind][name] = value
    return {name: int(value) for name, value in found["row"].items()}, found["sample"]


def trace(options, variant, words, keep):
    """Boot with the plugin: for each of `keep` (samples counted, {address: times})."""
    functions = functions_of(bench_runs.elf_of(options, variant))
    with tempfile.NamedTemporaryFile(prefix="breakdown") as out:
        plugin = ",".join([str(options.build / "tools/breakdown_plugin.so"),
                           f"begin={functions['sample_begin']:#x}",
                           f"end={functions['sample_end']:#x}", f"out={out.name}",
                           *(f"keep={samples}" for samples in keep)])
        lines = bench_runs.boot(options, variant, words, ["-plugin", plugin])
        sums = [[0, collections.Counter()] for _ in keep]
        for line in out.read().decode().splitlines():
            which, address, times = line.split()
            if address == "samples":
                sums[int(which)][0] = int(times)
            else:
                sums[int(which)][1][int(address, 16)] += int(times)
    return lines, sums


def rows_of(options, run, wanted, lines=None):
    """{row: {place: instructions, a mean for each sample}} of the wanted rows that this run
    prints. Raises Failed where a sum is not the row."""
    variant, words, taken = run
    lines = lines or bench_runs.boot(options, variant, words)
    rows, samples = found_in(lines)
    names = [name for name in rows if name in samples and bench_runs.row_of(taken, name) in wanted]
    if not names:
        return {}
    empties = sorted({samples[name].split("/")[1] for name in names})
    traced, sums = trace(options, variant, words, [*(f"{n}-{n}:0/{n}" for n in empties),
                                                   *(samples[name] for name in names)])
    if traced != lines:
        raise machine.Failed(f"{variant} with {words} is not the same with the plugin")
    empty_of = dict(zip(empties, (times for _, times in sums)))
    places = Places(bench_runs.elf_of(options, variant))
    result = {}
    for name, (count, times) in zip(names, sums[len(empties):]):
        empty = empty_of[samples[name].split("/")[1]]
        places.learn((*times, *empty))
        result[bench_runs.row_of(taken, name)] = by_place(places, times, count, empty)
        total = sum(times.values()) // count - sum(empty.values())
        if total != rows[name]:
            raise machine.Failed(f"{name} is {rows[name]}, but {total} instructions were "
                                 f"executed in {count} samples")
    return result


def by_place(places, times, samples, empty):
    """{place: instructions a sample, more than an empty one's}."""
    counts = collections.Counter()
    for address, number in times.items():
        counts[places.places[address]] += number
    for address, number in empty.items():
        counts[places.places[address]] -= number * samples
    return {place: number / samples for place, number in counts.items() if number}


def by_part(counts):
    """{part: instructions}, the most first; of means the whole part. What is lost by that is in
    the part that is the benchmark's own."""
    parts = collections.Counter()
    for place, number in counts.items():
        parts[place.part] += number
    total = int(sum(parts.values()) + 1e-6)
    parts = {part: int(number) for part, number in parts.items()
             if part != OUTERMOST and int(number)}
    parts[OUTERMOST] = total - sum(parts.values())
    return dict(sorted(parts.items(), key=lambda item: (-item[1], item[0])))


def kept_of(options, run, lines):
    """What a run gives to the baseline: {row: {part: instructions}}."""
    return {name: by_part(counts) for name, counts in rows_of(options, run, KEPT, lines).items()}
