# SPDX-License-Identifier: Apache-2.0
"""The library's switches, and building it with one set of them after another: tools/builds and
tools/plan."""
import collections
import hashlib
import os
import pathlib
import re
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = ("mm", "pagetable", "eviction", "store")
PROFILES = [f"include/quire/profiles/{name}.h" for name in ("tiny", "full")]
# arch: compilers, link command
Machine = collections.namedtuple("Machine", "clang gcc link")
MACHINES = {
    "x86_64": Machine(["clang-14", "--target=x86_64-elf"], ["gcc"], "elf_x86_64"),
    "arm64": Machine(["clang-14", "--target=aarch64-none-elf"], ["aarch64-linux-gnu-gcc"],
                     "aarch64elf"),
    # this linker cannot relax
    "riscv64": Machine(["clang-14", "--target=riscv64-unknown-elf", "-mno-relax"],
                       ["riscv64-linux-gnu-gcc", "-mno-relax"], "elf64lriscv"),
}


class Failed(Exception):
    """A build, a link or a run; the text says how."""


def command(*words, **options):
    done = subprocess.run(words, cwd=ROOT, text=True, errors="replace", stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        said = " ".join(map(str, words))
        said = said if len(said) < 900 else f"{said[:600]} ... {said[-300:]}"
        raise Failed(f"{said}\n{done.stdout}")
    return done.stdout


def switches(header):
    """{name: default} of the switches of a header, which it, or what is beside it for that, checks
    to be 0 or 1."""
    checks = (ROOT / header).with_name("config_checks.h")
    text = (ROOT / header).read_text() + (checks.read_text() if checks.exists() else "")
    names = re.findall(r'#error "(CONFIG_\w+) must be 0 or 1"', text)
    return {name: int(re.search(rf"^#define {name} ([01])$", text, re.M)[1]) for name in names}


def define(name, value):
    return f"-D{name}={value}"


def sources(*folders):
    return sorted(path.relative_to(ROOT).as_posix() for folder in folders
                  for path in (ROOT / folder).glob("*.[cS]"))


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


class Builder:
    """Compiles into a folder in which an object is found by what was compiled, and how."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.flags, self.texts, self.closures = {}, {}, {}
        self.compiled = self.found = 0

    def machine_flags(self, arch, compiler):
        key = arch, compiler[0]
        if key not in self.flags:
            self.flags[key] = command("tools/flags", arch, *compiler).split()
        return self.flags[key]

    def text(self, path):
        if path not in self.texts:
            file = ROOT / path
            self.texts[path] = file.read_text() if file.is_file() else None
        return self.texts[path]

    def closure(self, source, folders):
        """A hash of the source with all that it includes, and the switches that these files
        name: no other one changes the object. config.h names them all."""
        key = source, folders
        if key not in self.closures:
            seen, ahead = {}, [source]
            while ahead:
                path = ahead.pop()
                text = self.text(path)
                if path in seen or text is None:
                    continue
                seen[path] = text
                here = os.path.dirname(path)
                if path == "include/quire/config.h":
                    ahead += PROFILES
                ahead += [os.path.normpath(os.path.join(folder, name)) for folder in
                          (here, "include", "", *folders)
                          for name in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', text, re.M)]
            names = {name for path, text in seen.items()
                     if not path.startswith("include/quire/config")
                     for name in re.findall(r"\bCONFIG_\w+", without_comments(text))}
            names |= {name for name in re.findall(r"\bCONFIG_\w+", " ".join(
                re.findall(r"^#define CONFIG_\w+ +(.*)$", self.text("include/quire/config.h"),
                           re.M)))}
            digest = hashlib.sha256(repr(sorted(seen.items())).encode()).hexdigest()
            self.closures[key] = digest, names
        return self.closures[key]

    def object(self, source, compiler):
        folders = tuple(word[2:] for word in compiler if word.startswith("-Iarch/"))
        digest, names = self.closure(source, folders)
        words = [word for word in compiler if not word.startswith("-DCONFIG_") or
                 word[2:].partition("=")[0] in names]
        key = hashlib.sha256(" ".join([digest, source, *words]).encode()).hexdigest()[:32]
        file = self.folder / f"{key}.o"
        if file.exists():
            self.found += 1
            return file
        made = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        command(*compiler, "-c", source, "-o", str(made))
        made.rename(file)
        self.compiled += 1
        return file

    def objects(self, folders, compiler):
        return [self.object(source, compiler) for source in sources(*folders)]

    def stub(self, names, machine):
        """An object that defines these names and nothing else."""
        key = hashlib.sha256(" ".join([machine.link, *names]).encode()).hexdigest()[:32]
        file = self.folder / f"{key}.stub"
        if not file.exists():
            source = file.with_suffix(f".{os.getpid()}.s")
            source.write_text(".data\n" + "".join(f".globl {name}\n{name}:\n.byte 0\n"
                                                 for name in names))
            command(*machine.clang, "-c", str(source), "-o", str(file))
            source.unlink()
        return file
