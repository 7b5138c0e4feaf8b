# SPDX-License-Identifier: Apache-2.0
"""bench_runs: how the benchmark is booted, for tools/bench and tools/breakdown."""
import re
import subprocess

import run_machine as machine

MEMORY = "64M"
SECONDS = "60"

# Variant, options, and which rows of the run are taken: "rows" all; "pages" those of physical
# mappings with pages only; "shared" all, with "_shared" behind their names; "irq" none, but how
# long interrupts were masked; "tlb" none, but what was dropped from the TLB; "time" none, but how
# long the same work takes by how many requests a slow disk does at once.
DEPTHS = (1, 2, 4, 8)
OVERLAP = "overlap=1 frames=80 delay=1000000 policy=clock"
EVICT = "ramstore=4096 frames=1024 evict=1"
SWEEPS = ("ramstore=1040 frames=1024 sweep=fault_evict_scarce",
          "ramstore=4096 frames=1024 sweep=fault_evict_nru policy=nru",
          "ramstore=4096 frames=1024 sweep=fault_evict_lru policy=lru",
          "ramstore=4096 frames=1024 sweep=fault_evict_gather request=1024")
# Reading in a loop twice as long as the frames: from RAM, and from a store whose every transfer
# takes WAIT nanoseconds, while which the policy works.
WAIT = 20000
READS = ("ramstore=4096 frames=1024 reads=fault_reads_clock policy=clock",
         "ramstore=4096 frames=1024 reads=fault_reads_hazard policy=hazard")
WAITS = (f"frames=1024 delay={WAIT} reads=fault_waits_clock policy=clock",
         f"frames=1024 delay={WAIT} reads=fault_waits_hazard policy=hazard")
USER = "ramstore=4096 user=1"
# Faults of user mode, by policy and store.
POLICIES = ("clock", "hazard")
FAULTS_RAM = tuple(f"ramstore=4096 frames=256 faults=user_{policy}_ram policy={policy}"
                   for policy in POLICIES)
FAULTS_DISK = tuple(f"frames=256 faults=user_{policy}_disk policy={policy}" for policy in POLICIES)
DOMAIN = "ramstore=4096 domain=1"
# No domains, 8 and 60, over the same pages.
CROWD = "ramstore=2048 frames=150 crowd=1"
RUNS = (
    *[("bench", words, "rows")
      for words in ("ramstore=4096", EVICT, *SWEEPS, *READS, USER, DOMAIN, CROWD, *FAULTS_RAM)],
    *[("bench-disk", words, "rows") for words in FAULTS_DISK],
    ("bench-small", "ramstore=4096", "pages"),
    *[("bench-irq", words, "irq")
      for words in ("ramstore=4096", EVICT, *SWEEPS, *READS, CROWD)],
    ("bench-tlb", "ramstore=4096 tlb=1", "tlb"),
    *[("bench", f"{OVERLAP} depth={depth}", "time") for depth in DEPTHS],
)
# On riscv64 what is counted stands still while the CPU waits.
WAITED = tuple(("bench", words, "rows") for words in WAITS)
SHARED = tuple(("bench-shared", words, "shared") for words in (USER, *FAULTS_RAM, *FAULTS_DISK))
MORE_RUNS = {"x86_64": (*SHARED, *WAITED), "arm64": WAITED}
ROWS = ("rows", "shared", "pages")  # runs of which rows are taken
PAGES_ROW = re.compile(r"phys_(un)?map_\d+$")
SWAP_BYTES = 16 << 20
# Where the clock runs on while the CPU waits for a disk, or jumps: pages go to RAM instead, and it
# may jump, as there is always a transfer that will have ended.
NO_DISK = {"riscv64": (["--append", "ramstore=4096"], ["-icount", "sleep=off"])}


def row_of(taken, name):
    """What a row is called in the report, or None: it is another run's."""
    pages = PAGES_ROW.match(name)
    if taken == "pages":
        return name if pages else None
    if taken == "rows" and pages:
        return "phys_map_4096_large" if name == "phys_map_4096" else None
    return {"rows": name, "shared": f"{name}_shared"}.get(taken)


def runs_of(arch):
    """All runs of a machine."""
    return (*RUNS, *MORE_RUNS.get(arch, ()))


def swap(options, words):
    """A place for pages, as arguments of tools/qemu, and those of QEMU."""
    if words not in FAULTS_DISK and "delay=" not in words:
        return [], []
    if "delay=" in words and options.arch in NO_DISK:
        return NO_DISK[options.arch]
    path = options.build / "bench" / f"{options.arch}.swap"
    with path.open("wb") as file:
        file.truncate(SWAP_BYTES)
    return ["--disk", f"swap={path}"], []


def elf_of(options, variant):
    return options.build / "kernel" / options.arch / variant / "bench.elf"


def boot(options, variant, words, emulator=()):
    """The lines that a run prints. `emulator`: more arguments of QEMU."""
    disk, more = swap(options, words)
    done = subprocess.run([options.qemu, machine.MACHINES[options.arch], elf_of(options, variant),
                           MEMORY, "--icount", "--timeout", SECONDS,
                           "--append", f"tick=0 {words}", *disk, "--", *more, *emulator],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        raise machine.Failed(f"{variant} with {words} ended with status {done.returncode}: "
                             + "\n".join(said[-5:]))
    return done.stdout.splitlines()
