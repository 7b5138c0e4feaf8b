# SPDX-License-Identifier: Apache-2.0
"""A machine of just the size that is needed, its console as lines, its status."""
import os
import pathlib
import selectors
import signal
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE_BYTES = 4096
MACHINES = {"x86_64": "microvm", "arm64": "virt-arm64", "riscv64": "virt-riscv64"}
RAM_BEGINS = {"x86_64": 0, "arm64": 1 << 30, "riscv64": 2 << 30}
# QEMU's machines want at least this, and sizes that are multiples of it.
MEMORY_MIN, MEMORY_STEP = 2 << 20, 64 << 10
SILENT_SECONDS = 60  # without a line from the guest: it hangs
TIMEOUT_SECONDS = "100000"
SPILL_PAGES = 8  # K_MEM_COMPRESSED_SPILLS_MAX
# Frames that pages cannot have: the core keeps one for pages that were only read so far; a
# program in user mode has a stack of the kernel's and one of its own.
KEPT_FRAMES = {"firmware": 1, "replay": 1 + 4 + 4}
NOT_WORTH_SAYING = b"icount sleep disabled and no active timers"
PT_LOAD = 1


class Failed(Exception):
    """The run does not count; exit status 1."""


class BadInput(Exception):
    """Exit status 2. Without a text where a tool or the machine has said what and where."""


def status_of(name, run, options):
    """The exit status of run(options), with its message."""
    try:
        run(options)
    except BadInput as error:
        if error.args:
            print(f"{name}: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"{name}: FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def image_end(elf):
    """The physical address at which the resident image ends."""
    data = elf.read_bytes()
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    ends = []
    for i in range(count):
        kind, _, _, _, phys, _, bytes_, _ = struct.unpack_from("<IIQQQQQQ", data,
                                                               offset + i * size)
        if kind == PT_LOAD:
            ends.append(phys + bytes_)
    return -(-max(ends) // PAGE_BYTES) * PAGE_BYTES


def memory_to_boot(arch, resident):
    """Where QEMU puts a device tree of 1 MiB at a multiple of 2 MiB at the end of RAM, there
    must be room for it behind the image."""
    if arch != "riscv64":
        return 0
    return -(-resident // (2 << 20)) * (2 << 20) + (1 << 20)


def pool_overhead(swap):
    """Pages that the compressed store takes beside its pool (kernel/stores.c): 8 bytes for each
    page of the swap disk, and those from which pages are spilled."""
    return -(-(swap.stat().st_size // PAGE_BYTES * 8) // PAGE_BYTES) + SPILL_PAGES


def size(bytes_):
    return f"{bytes_ / 2**20:.1f} MiB"


def request_word(cost):
    """What tells the kernel that a request costs so many pages; nothing where it is not known."""
    return {"request": int(cost * 256 + 0.5)} if cost else {}


class Machine:
    """`with Machine(...) as lines:` boots it; lines are the console's, as they come. After
    the block `status` is what the program gave to kernel_exit(). A compressed store has a
    pool of so many pages, beside the frames; 0: there is none."""

    def __init__(self, options, program, frames, disks, pool=0, more=None):
        arch = options.arch
        self.elf = options.build / "kernel" / arch / f"{program}.elf"
        if arch not in MACHINES:
            raise Failed(f"no machine of {arch}")
        if not self.elf.exists():
            raise Failed(f"{self.elf} is not built: `make run` does that")
        self.resident = image_end(self.elf) - RAM_BEGINS[arch]
        frames += KEPT_FRAMES[program]
        self.resident += (pool_overhead(disks["swap"]) if pool else 0) * PAGE_BYTES
        memory = max(MEMORY_MIN, self.resident + (frames + pool) * PAGE_BYTES,
                     memory_to_boot(arch, self.resident))
        self.memory = -(-memory // MEMORY_STEP) * MEMORY_STEP
        words = {"frames": frames, "tick": 0, "policy": options.policy}
        if pool:
            words["compress"] = pool
        words.update(more or {})
        self.command = [ROOT / "tools/qemu", MACHINES[arch], self.elf, f"{self.memory >> 10}K",
                        "--icount", "--cpu", options.cpu, "--timeout", TIMEOUT_SECONDS,
                        "--append", " ".join(f"{key}={value}" for key, value in words.items())]
        for name, file in disks.items():
            readonly = "" if name == "swap" else ",readonly"
            self.command += ["--disk", f"{name}={file}{readonly}"]
        self.status = None

    def __enter__(self):
        self.errors = tempfile.TemporaryFile()
        self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=self.errors,
                                      start_new_session=True)
        return self.lines()

    def lines(self):
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(SILENT_SECONDS):
                    raise Failed(f"the machine was silent for {SILENT_SECONDS} s")
                data = os.read(self.child.stdout.fileno(), 65536)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    yield line.decode(errors="replace").rstrip("\r")
        if rest:
            yield rest.decode(errors="replace")

    def __exit__(self, kind, *_):
        if kind:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.stdout.close()
        self.status = self.child.wait()
        self.errors.seek(0)
        for line in self.errors:
            if NOT_WORTH_SAYING not in line:
                sys.stderr.write(line.decode(errors="replace"))
        self.errors.close()
