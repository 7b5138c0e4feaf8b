# SPDX-License-Identifier: Apache-2.0
"""What the tools must understand of C: text without comments and strings, and
where functions begin and end. Not a parser: it relies on code that is formatted
alike and on braces that balance under every #if."""
import re

TOKEN = re.compile(r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
                   re.S | re.X)
ATTRIBUTE = re.compile(r"__attribute__|__asm__|_Alignas|QR_SECTION|QR_ALIGNED")
NOT_CALLS = {"if", "while", "for", "switch", "return", "sizeof", "defined", "_Alignof",
             "_Static_assert", "__attribute__"}


def blank(text, strings=True):
    """The text with comments (and strings) replaced by spaces, lines kept."""
    def space(match):
        found = match[0]
        if found[0] in "\"'":
            if not strings:
                return found
            return found[0] + " " * (len(found) - 2) + found[-1]
        return re.sub(r"[^\n]", " ", found)
    return TOKEN.sub(space, text)


class Function:
    """A function definition. Lines count from 1; the body is without comments."""

    def __init__(self, name, parameters, line, last_line, body, static):
        self.name, self.parameters = name, parameters
        self.line, self.last_line = line, last_line
        self.body, self.static = body, static

    @property
    def line_count(self):
        return self.last_line - self.line + 1

    def calls(self):
        return set(re.findall(r"(?<!->)(?<!\.)\b([A-Za-z_]\w*)\s*\(", self.body)) - NOT_CALLS


def bare(text):
    """The text without comments, strings, preprocessor lines and the brackets of C++."""
    noise = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*|^QR_EXTERN_C_\w+|extern\s+\" \"\s*\{",
                       re.M)
    return noise.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), blank(text))


def closing(code, start):
    """Index just behind the bracket that closes the one at `start`."""
    depth = 0
    for match in re.compile(r"[(){}]").finditer(code, start):
        depth += 1 if match[0] in "({" else -1
        if depth == 0:
            return match.end()
    return len(code)


def head_of(text):
    """(name, parameter text) of a function's head, or None when it is none."""
    found = None
    position = 0
    while True:
        match = re.compile(r"(\w+)\s*\(|=").search(text, position)
        if not match:
            return found
        if match[0] == "=":
            return None
        end = closing(text, match.end() - 1)
        if not ATTRIBUTE.match(match[1]):
            found = match[1], text[match.end():end - 1]
        position = end


def parameter_count(parameters):
    if parameters.strip() in ("", "void"):
        return 0
    while True:
        flat = re.sub(r"\([^()]*\)", "", parameters)
        if flat == parameters:
            return flat.count(",") + 1
        parameters = flat


def functions(text):
    """Every function defined in the text."""
    code = bare(text)
    position = 0
    while True:
        match = re.compile(r"[{;}]").search(code, position)
        if not match:
            return
        if match[0] != "{":
            position = match.end()
            continue
        head, end = code[position:match.start()], closing(code, match.start())
        named = head_of(head)
        if named:
            first = position + len(head) - len(head.lstrip())
            yield Function(named[0], parameter_count(named[1]), code.count("\n", 0, first) + 1,
                           code.count("\n", 0, end) + 1, code[match.start():end],
                           bool(re.search(r"\bstatic\b|QR_INLINE", head)))
        position = end


def prototypes(text):
    """(line, name, whole declaration) of every function declared but not defined."""
    code = bare(text)
    position = 0
    while True:
        match = re.compile(r"[{;}]").search(code, position)
        if not match:
            return
        end = closing(code, match.start()) if match[0] == "{" else match.end()
        head = code[position:match.start()]
        named = head_of(head) if match[0] == ";" and "typedef" not in head else None
        if named and not head.lstrip().startswith(("struct {", "_Static_assert")):
            first = position + len(head) - len(head.lstrip())
            yield code.count("\n", 0, first) + 1, named[0], head.strip()
        position = end
