# SPDX-License-Identifier: Apache-2.0
"""bench_show: a report of tools/bench beside the baseline's, and beside what was promised."""
import re

import bench_limits
import bench_runs

PARTS_A_LINE = 9
WHATS = ("mean", "p99", "max")
SWEEP_ROW = re.compile(rf"(user_[a-z]+_[a-z]+_[a-z]+)_({'|'.join(WHATS)})((?:_shared)?)")

# The time that a transfer takes, as a part of that at queue depth 1, at most; on every machine.
OVERLAP_LIMITS = {2: 0.55, 4: 0.3, 8: 0.2}

# Faults, and how often a page is copied or zeroed in them: shown without that, too.
WITHOUT = (
    ("fault_first_touch", 1, "page_zero"),
    ("fault_free_frame", 1, "page_copy"),
    ("fault_evict_clean", 1, "page_copy"),
    ("fault_evict_clean_mean", 1, "page_copy"),
    ("fault_evict_dirty", 2, "page_copy"),
    ("fault_evict_dirty_mean", 2, "page_copy"),
)



def number(value):
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def change(now, before):
    return "" if before is None or now == before else f"{now - before:+,}"


def show_numbers(title, now, before):
    """A table of numbers by name, with the baseline's."""
    print(f"{title:44}{'now':>12}{'baseline':>12}{'change':>10}")
    for name, value in now.items():
        old = before.get(name)
        new = "new" if before and old is None else change(value, old)
        print(f"  {name:42}{number(value):>12}{number(old):>12}{new:>10}".rstrip())
    print()


def sweeps_of(rows):
    """{name: {"mean": number, "p99": number, "max": number}} of the rows of user mode's faults."""
    sweeps = {}
    for name, value in rows.items():
        match = SWEEP_ROW.fullmatch(name)
        if match:
            sweeps.setdefault(match[1] + match[3], {})[match[2]] = value
    return sweeps


def show_sweeps(now, before, baseline):
    """Faults of user mode by policy, store and kind, with the baseline's."""
    print(f"{'faults of user mode':36}" + "".join(f"{what:>10}{'baseline':>10}" for what in WHATS))
    for name, numbers in now.items():
        old = before.get(name, {})
        columns = "".join(f"{number(numbers[what]):>10}{number(old.get(what)):>10}"
                          for what in WHATS)
        print(f"  {name:34}{columns}  {'new' if baseline and not old else ''}".rstrip())
    print()


def without_copies(rows):
    """Faults without the copying of pages."""
    return {f"{name}, {count} {part} less": rows[name] - count * rows[part]
            for name, count, part in WITHOUT if name in rows and part in rows}


def show_parts(parts, before):
    """Rows that are kept by part: a line for each, and what is not as in the baseline."""
    names = sorted({part for row in parts.values() for part in row})
    print("instructions by part")
    for i in range(0, len(names), PARTS_A_LINE):
        print(f"  {'':30}{''.join(f'{name:>11}' for name in names[i:i + PARTS_A_LINE])}")
    for row, counts in parts.items():
        for i in range(0, len(names), PARTS_A_LINE):
            numbers = (number(counts.get(name)) for name in names[i:i + PARTS_A_LINE])
            print(f"  {'' if i else row:30}{''.join(f'{text:>11}' for text in numbers)}".rstrip())
    print()
    now, old = ({f"{row}, {part}": value for row, counts in all_.items()
                 for part, value in counts.items()} for all_ in (parts, before))
    changed = [name for name in dict.fromkeys((*now, *old)) if now.get(name) != old.get(name)]
    if before and changed:
        show_numbers("parts that changed", {name: now.get(name, 0) for name in changed}, old)


def flat_sizes(report):
    """All sizes by one name each."""
    sizes = {name: value for name, value in report.items()
             if name.startswith("text_") or name == "frame_bytes"}
    sizes |= {f"tables for {space}": size for space, size in report.get("tables", {}).items()}
    return sizes | report.get("policies", {})


def show_objects(objects, before):
    print(f"{'objects at -Os':34}{'text':>10}{'data':>10}{'bss':>12}{'text before':>14}")
    for name, (text, data, bss) in objects.items():
        old = before.get(name, [None])[0]
        print(f"  {name:32}{text:>10,}{data:>10,}{bss:>12,}"
              f"{number(None if old == text else old):>14}".rstrip())
    print()


def show_limits(report):
    """What was promised; returns what falls short."""
    values = {**report["rows"], **flat_sizes(report)}
    short = []
    print(f"{'promised':71}{'now':>10}{'at most':>10}{'peer':>10}")
    for limit in bench_limits.limits_of(report["arch"]):
        if "where threads wait" in limit.name and report["arch"] in bench_runs.NO_DISK:
            continue
        now = limit.value(values)
        if now > limit.most:
            short.append(limit.name)
        print(f"  {limit.name:69}{number(now):>10}{number(limit.most):>10}{limit.peer or '':>10}  "
              f"{'FALLS SHORT' if now > limit.most else 'pass'}")
    return short


def show_overlap(times, before):
    """How long the same work takes on a slow disk; returns what falls short."""
    short = []
    print(f"{'8 threads, 1 ms a transfer':32}{'microseconds':>14}{'baseline':>12}"
          f"{'transfers':>11}{'of depth 1':>12}{'at most':>9}")
    for depth in bench_runs.DEPTHS:
        row, most = f"overlap_depth_{depth}", OVERLAP_LIMITS.get(depth)
        took, transfers = times[row], times[f"{row}_transfers"]
        part = took / transfers / times["overlap_depth_1"] * times["overlap_depth_1_transfers"]
        verdict = "pass" if most and part <= most else "FALLS SHORT" if most else ""
        if verdict == "FALLS SHORT":
            short.append(f"time of a transfer at queue depth {depth}")
        print(f"  queue depth {depth:<18}{took:>14,}{number(before.get(row)):>12}"
              f"{transfers:>11,}{part:>12.3f}{most or '':>9}  {verdict}".rstrip())
    print()
    return short


def show(report, baseline):
    rows = report["rows"]
    old = baseline.get("rows", {})
    show_numbers("instructions", {name: value for name, value in rows.items()
                                  if not SWEEP_ROW.fullmatch(name)}, old)
    show_sweeps(sweeps_of(rows), sweeps_of(old), bool(old))
    show_numbers("faults without the copies", without_copies(rows), without_copies(old))
    show_parts(report["parts"], baseline.get("parts", {}))
    show_numbers("interrupts masked, longest", report["irq_off"], baseline.get("irq_off", {}))
    show_numbers("dropped from the TLB", report["tlb"], baseline.get("tlb", {}))
    show_numbers("bytes", flat_sizes(report), flat_sizes(baseline))
    show_objects(report["objects"], baseline.get("objects", {}))
    short = show_overlap(report["time"], baseline.get("time", {}))
    return short + show_limits(report)
