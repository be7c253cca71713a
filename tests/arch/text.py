"""The text of the project: no unfinished work, no path of somebody's machine, no file that has grown too long."""

import re
from pathlib import Path

SKIPPED = {".git", "build", ".cache", "__pycache__"}
CODE = {".hpp", ".cpp", ".py", ".proto", ".cmake", ".sh"}
LONG_LINES, TOO_LONG_LINES = 400, 600

MARKS = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|(?i:\bnot (?:yet )?implemented\b)")
MACHINE_PATHS = re.compile(r"(?<![\w.}$)~-])/(?:work|farm|Users|home/\w+|root)/|/tmp/b-|\.\./shared\b|(?<!\w)shared/(?:design|reference)\b")
# The rules and their bad samples name what they look for.
NAMES_THEM = "tests/arch/"


def text_files(source):
    for path in sorted(Path(source).rglob("*")):
        if not SKIPPED.intersection(path.relative_to(source).parts) and path.is_file():
            try:
                yield path.relative_to(source).as_posix(), path.read_text()
            except UnicodeDecodeError:
                continue


def line_violations(name, text):
    shipped = not name.startswith(("tests/", "bench/"))
    for number, line in enumerate(text.splitlines(), 1):
        if shipped and (mark := MARKS.search(line)):
            yield f"{name}:{number}: unfinished: {mark.group(0)}"
        if path := MACHINE_PATHS.search(line):
            yield f"{name}:{number}: a path of one machine: {path.group(0)}"


def length_violations(name, text):
    """(violations, warnings)"""
    lines = text.count("\n")
    if Path(name).suffix not in CODE or lines <= LONG_LINES:
        return [], []
    said = [f"{name}: {lines} lines; look for the two ideas in it"]
    return (said, []) if lines > TOO_LONG_LINES else ([], said)


def check(source):
    found = []
    for name, text in text_files(source):
        if name.startswith(NAMES_THEM):
            continue
        found += line_violations(name, text)
        violations, warnings = length_violations(name, text)
        found += violations
        for warning in warnings:
            print("warning:", warning)
    return found
