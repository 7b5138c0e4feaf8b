# SPDX-License-Identifier: Apache-2.0
"""The conformance suite as a table, a row for each test and a column for each machine, from
what its programs printed: a line "# conformance MACHINE FORMAT FLAGS", then their tests."""
import re

BEGIN = re.compile(r"# conformance (.+)$")
TEST = re.compile(r"(not )?ok \d+ - (\w+)\s*(# SKIP)?")
OK, FAIL, ABSENT = "ok", "FAIL", "-"
COLUMNS = 12  # side by side


class Matrix:
    def __init__(self):
        self.runs = []   # (machine, {test: cell}), one for each time that the suite ran
        self.tests = {}  # all that were seen, in their order

    def add(self, lines):
        """What one program printed."""
        cells = None
        for line in lines:
            begin, test = BEGIN.match(line), TEST.match(line)
            if begin:
                cells = {}
                self.runs.append((begin[1].strip(), cells))
            elif test and cells is not None:
                failed, name, skipped = test.groups()
                cells[name] = ABSENT if skipped else FAIL if failed else OK
                self.tests[name] = None

    def cell(self, machine, test):
        """The worst of the machine's runs; a test that was to run and did not has failed."""
        cells = {run.get(test, FAIL) for of, run in self.runs if of == machine}
        return next(cell for cell in (FAIL, OK, ABSENT) if cell in cells)

    def lines(self):
        machines = sorted({machine for machine, _ in self.runs},
                          key=lambda machine: (machine.split()[1:2], machine))
        for first in range(0, len(machines), COLUMNS):
            shown = machines[first:first + COLUMNS]
            letters = [chr(ord("A") + first + i) for i in range(len(shown))]
            yield ""
            yield from (f"{letter}  {machine}" for letter, machine in zip(letters, shown))
            yield row("conformance", letters)
            yield from (row(test, [self.cell(machine, test) for machine in shown])
                        for test in self.tests)
        if machines:
            yield ""


def row(name, cells):
    return f"{name:46}" + "".join(f"{cell:>5}" for cell in cells)
