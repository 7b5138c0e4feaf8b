# SPDX-License-Identifier: Apache-2.0
"""Text and data of the library, for tools/plan: of each object, and of each feature.

What is counted is what ends in the image of a kernel that calls every public function of its
configuration: the library at -Os, assertions off, each function in a section of its own
(-ffunction-sections), linked with --gc-sections. A kernel that calls less has less. Text is code
and constants. What a feature costs is the difference of two such images, with its switch on and
off: so it counts what others do for its sake, too.
"""
import concurrent.futures
import os
import re
import shlex

from library import LIBRARY, MACHINES, Builder, command, define, sources, switches

OPTIONS = ["-std=c11", "-w", "-Iinclude", "-I.", "-Os", "-ffunction-sections", "-fdata-sections",
           "-fno-asynchronous-unwind-tables", "-fomit-frame-pointer", "-fno-pic", "-nostdlibinc",
           "-DCONFIG_MEM_ASSERT=0"]
# How kernels are compiled, beside what arch/flags say, and where images are.
KERNELS = {"x86_64": ["-mcmodel=kernel"], "arm64": [], "riscv64": ["-mcmodel=medlow"]}
IMAGE_BASE = "0xffffffff80000000"
CORE = ("mm/", "pagetable/", "arch/")
KINDS = ("text", "data", "bss")


class Sizes:
    """Bytes of an image: {source: {"text": n, "data": n, "bss": n}}. Texts of messages, which the
    linker merges, are a source of their own."""

    def __init__(self, objects):
        self.objects = objects

    def total(self, folders=("",)):
        return {kind: sum(sizes[kind] for name, sizes in self.objects.items()
                          if name.startswith(tuple(folders)) or name == "messages")
                for kind in KINDS}


def kind_of(section):
    if section.startswith((".text", ".rodata")):
        return "text"
    return next((kind for kind in ("data", "bss") if section.startswith("." + kind)), None)


class Images:
    """Links one image after another, for one machine and with the user's own options."""

    def __init__(self, folder, arch, config):
        self.arch, self.machine = arch, MACHINES[arch]
        self.builder = Builder(folder.resolve())
        self.compiler = [*self.machine.clang,
                         *self.builder.machine_flags(arch, self.machine.clang), *KERNELS[arch],
                         *OPTIONS, f"-Iarch/{arch}", *shlex.split(config)]
        self.sources = sources(*LIBRARY, f"arch/{arch}")

    def configured(self, name):
        """The value of a switch as the user's options have it."""
        text = command(*self.compiler, "-E", "-P", "-include", "quire/config.h", "-xc", "/dev/null",
                       "-dM")
        return int(re.search(rf"^#define {name} (\d+)$", text, re.M)[1])

    def build(self, pool, flips):
        """The objects of one image, as futures: {source: file}."""
        compiler = [*self.compiler, *(define(*flip) for flip in flips)]
        return {source: pool.submit(self.builder.object, source, compiler)
                for source in self.sources}

    def link(self, objects, name):
        """The image's Sizes."""
        files = {str(future.result()): source for source, future in objects.items()}
        symbols = command("llvm-nm-14", "--quiet", "-g", "--format=posix", *files)
        found = re.findall(r"^(\S+) ([A-Za-z])", symbols, re.M)
        defined = {symbol for symbol, kind in found if kind != "U"}
        outside = sorted({symbol for symbol, kind in found if kind == "U"} - defined)
        public = sorted(symbol for symbol in defined
                        if symbol.startswith(("k_", "fault_read", "arch_buffer")))
        image = self.builder.folder / f"{name}.elf"
        text = command("ld.lld-14", "-m", self.machine.link, "-e", "0", "--gc-sections",
                       f"--image-base={IMAGE_BASE}", "-Map", "-", "-o", str(image),
                       *(f"-u{symbol}" for symbol in public),
                       *(f"--defsym={symbol}={IMAGE_BASE}" for symbol in outside), *files)
        image.unlink()
        sizes = {}
        for size, file, section in re.findall(
                r"^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ +(\S+):\((\.[\w.]+)\)$", text, re.M):
            source = files.get(file, "messages")
            kind = kind_of(section)
            if kind:
                sizes.setdefault(source, dict.fromkeys(KINDS, 0))[kind] += int(size, 16)
        return Sizes(sizes)


def measure(folder, arch, config, only=None):
    """The image as configured, and each switch with what it costs: (Sizes, {name: (its value,
    {kind: bytes more where it is on})}). `only`: of these switches alone."""
    images = Images(folder, arch, config)
    known = [name for name in switches("include/quire/config.h") if only is None or name in only]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        values = {name: images.configured(name) for name in known}
        base = images.link(images.build(pool, []), "as-it-is")
        others = {name: images.build(pool, [(name, 1 - value)]) for name, value in values.items()}
        costs = {}
        for name, objects in others.items():
            here, there = base.total(), images.link(objects, name).total()
            sign = 1 if values[name] else -1
            costs[name] = values[name], {kind: sign * (here[kind] - there[kind]) for kind in KINDS}
    return base, costs


def show(arch, base, costs):
    total, core = base.total(), base.total(CORE)
    print(f"{arch}: text and data at -Os, assertions off, of what a kernel links that calls every "
          "function")
    print(f"    {'object':28}" + "".join(f"{kind:>10}" for kind in KINDS))
    for name, sizes in sorted(base.objects.items()):
        print(f"    {name:28}" + "".join(f"{sizes[kind]:10,}" for kind in KINDS))
    print(f"    {'mm, pagetable, the port':28}" + "".join(f"{core[kind]:10,}" for kind in KINDS))
    print(f"    {'all':28}" + "".join(f"{total[kind]:10,}" for kind in KINDS))
    print()
    print(f"    {'what a switch costs':46}" + "".join(f"{kind:>10}" for kind in KINDS))
    for name, (value, more) in sorted(costs.items(), key=lambda item: -item[1][1]["text"]):
        mark = "*" if value else " "
        print(f"  {mark} {name:46}" + "".join(f"{more[kind]:10,}" for kind in KINDS))
    print()


def as_json(base, costs):
    return {"objects": base.objects, "core": base.total(CORE), "all": base.total(),
            "switches": {name: {"on": bool(value), **more}
                         for name, (value, more) in costs.items()}}
