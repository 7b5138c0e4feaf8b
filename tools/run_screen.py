# SPDX-License-Identifier: Apache-2.0
"""What a run looks like while it goes on: on a terminal a progress bar and the frame
map in colour, redrawn in place; elsewhere a line for every tenth."""
import collections
import shutil
import sys
import time

STATES = {  # of a frame: colour (ANSI), sign, what it means
    "c": (42, " ", "clean"),
    "d": (41, " ", "dirty"),
    "*": (47, " ", "busy"),
    "#": (45, " ", "pinned"),
    ".": (100, " ", "free"),
    "-": (40, "-", "reserved"),
}
MAP_ROWS_MAX = 12
REDRAW_SECONDS = 0.1


def number(value):
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,}"


def follow(lines, unit, touches_all):
    """Show the guest's lines (apps/replay/report.c) to the end. What its lines @start, and
    @compressed and @result together, said; `unit` is what it counts as touches."""
    show = Terminal(unit) if sys.stdout.isatty() else Plain(unit)
    start, result = {}, {}
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "@start":
            start = numbers(rest)
        elif word == "@progress":
            show.progress(numbers(rest), touches_all)
        elif word == "@map":
            first, _, states = rest.partition(" ")
            show.map(int(first), states)
        elif word == "@checking":
            show.note("replayed; verifying every word of every page")
        elif word in ("@compressed", "@result"):
            result.update(numbers(rest))
        elif line:
            show.note(rest if word in ("@error", "@wrong") else "guest: " + line)
    show.end()
    return start, result


def numbers(text):
    """"key=1 key=2" as a dictionary."""
    return {key: int(value) for key, value in (word.split("=") for word in text.split())}


class Plain:
    def __init__(self, unit):
        self.unit = unit
        self.start = time.monotonic()
        self.tenth = -1

    def progress(self, counts, touches_all):
        tenth = counts["touches"] * 10 // touches_all
        if tenth == self.tenth:
            return
        self.tenth = tenth
        rate = counts["faults"] / max(time.monotonic() - self.start, 0.001)
        print(f"  {tenth * 10:3} %  {counts['touches']:,} {self.unit}, {counts['faults']:,} faults "
              f"({rate:,.0f}/s), {counts['page_ins']:,} page-ins, "
              f"{counts['page_outs']:,} page-outs", flush=True)

    def map(self, first, states):
        pass

    def note(self, text):
        print("  " + text, flush=True)

    def end(self):
        pass


class Terminal:
    def __init__(self, unit):
        self.unit = unit
        self.states = []
        self.counts, self.touches_all = None, 1
        self.rows = 0                # drawn below the cursor's place
        self.drawn = 0.0
        self.samples = collections.deque(maxlen=20)  # (time, faults), for the rate

    def progress(self, counts, touches_all):
        self.counts, self.touches_all = counts, touches_all
        self.samples.append((time.monotonic(), counts["faults"]))

    def map(self, first, states):
        self.states[first:first + len(states)] = states
        if time.monotonic() - self.drawn >= REDRAW_SECONDS:
            self.draw()

    def note(self, text):
        self.clear()
        print("  " + text, flush=True)

    def end(self):
        if self.counts:
            self.draw()
            self.rows = 0

    def clear(self):
        if self.rows:
            sys.stdout.write(f"\x1b[{self.rows}F\x1b[J")
        self.rows = 0

    def draw(self):
        self.drawn = time.monotonic()
        columns = shutil.get_terminal_size().columns
        lines = [self.bar(columns), *self.map_lines(columns - 4), self.legend()]
        self.clear()
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        self.rows = len(lines)

    def bar(self, columns):
        counts, share = self.counts, self.counts["touches"] / self.touches_all
        (begin, before), (end, now) = self.samples[0], self.samples[-1]
        rate = (now - before) / (end - begin) if end > begin else 0
        text = (f" {share:4.0%}  {counts['touches']:,} {self.unit}  {counts['faults']:,} faults "
                f"({rate:,.0f}/s)  in {counts['page_ins']:,} out {counts['page_outs']:,}")
        room = max(10, min(40, columns - len(text) - 3))
        full = int(share * room)
        return ("  \x1b[44m" + " " * full + "\x1b[100m" + " " * (room - full) + "\x1b[0m" +
                text[:max(0, columns - room - 3)])

    def map_lines(self, columns):
        """Frames in rows; where they are too many, each cell is the commonest state of a few."""
        together = -(-len(self.states) // (columns * MAP_ROWS_MAX)) or 1
        cells = [collections.Counter(self.states[i:i + together]).most_common(1)[0][0]
                 for i in range(0, len(self.states), together)]
        for i in range(0, len(cells), columns):
            line, colour = "  ", None
            for state in cells[i:i + columns]:
                wanted, sign, _ = STATES.get(state, (0, "?", ""))
                line += (f"\x1b[{wanted}m" if wanted != colour else "") + sign
                colour = wanted
            yield line + "\x1b[0m"

    def legend(self):
        return "  " + "  ".join(f"\x1b[{colour}m{sign}\x1b[0m {what}"
                                for colour, sign, what in STATES.values())
