"""C++ text as the rules look at it: includes, and code without comments and literals."""

import re
from pathlib import Path

SUFFIXES = {".hpp", ".cpp"}

_TOKEN = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'""",
    re.VERBOSE | re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def code_only(text):
    """`text` with comments and literals blanked out; every line keeps its number."""

    def blank(match):
        return " " + "\n" * match.group(0).count("\n")

    return _TOKEN.sub(blank, text)


def includes(text):
    """(line number, '"' or '<', path) of each include; those in comments do not count."""
    without_comments = re.sub(
        r"//[^\n]*|/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.DOTALL
    )
    return [
        (without_comments.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2))
        for match in _INCLUDE.finditer(without_comments)
    ]


def cpp_files(folder):
    return sorted(path for path in Path(folder).rglob("*") if path.suffix in SUFFIXES)
