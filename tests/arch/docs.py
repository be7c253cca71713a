"""What the documents show works: links lead somewhere, shell examples parse, definitions are valid."""

import re
import subprocess
import tempfile
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"(`+)[^`].*?\1")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
QUOTED = re.compile(r"'(\{apiVersion: vipra\.dev/[^']*\})'")
HEREDOC = re.compile(r"<<-? *'?(?P<end>\w+)'?[^\n]*\n(?P<body>.*?)^(?P=end)$", re.MULTILINE | re.DOTALL)


def documents(source):
    folders = [source, source / "docs", source / "deploy", source / "bench"]
    found = set(source.glob("*.md"))
    for folder in folders[1:]:
        found.update(folder.rglob("*.md"))
    return sorted(found)


def blocks(text, *languages):
    """(line number, content) of the fenced blocks in one of these languages."""
    for match in FENCE.finditer(text):
        if match.group("language") in languages:
            indent = match.group("indent")
            body = "".join(line.removeprefix(indent) for line in match.group("body").splitlines(keepends=True))
            yield text.count("\n", 0, match.start()) + 1, body


def definitions(text):
    """(line number, YAML) of every definition shown, by itself or inside a shell example."""
    for line, body in blocks(text, "yaml"):
        if "apiVersion: vipra.dev/" in body:
            yield line, body
    for line, body in blocks(text, "sh", "bash"):
        for match in HEREDOC.finditer(body):
            if "apiVersion: vipra.dev/" in match.group("body"):
                yield line, match.group("body")
        for match in QUOTED.finditer(body):
            yield line, match.group(1) + "\n"


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def link_violations(path, name, text):
    prose = CODE_SPAN.sub("", FENCE.sub("", text))
    for match in LINK.finditer(prose):
        target, _, fragment = match.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (path.parent / target) if target else path
        if not file.exists():
            yield f"{name}: link to {target}, which does not exist"
        elif fragment and file.suffix == ".md" and fragment not in map(anchor, HEADING.findall(file.read_text())):
            yield f"{name}: link to #{fragment}, which {file.name} has not"


def shell_violations(source, name, text):
    for line, body in blocks(text, "sh", "bash"):
        parsed = subprocess.run(["bash", "-n"], input=body, capture_output=True, text=True)
        if parsed.returncode != 0:
            yield f"{name}:{line}: bash can not read this: {parsed.stderr.strip()}"
        for program in re.findall(r"(?:^|[\s;&|])\./([\w./-]+)", body):
            if not program.startswith("build/") and not (source / program).exists():
                yield f"{name}:{line}: runs ./{program}, which does not exist"


def definition_violations(vipctl, name, text):
    for line, body in definitions(text):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "example.yaml"
            file.write_text(body)
            judged = subprocess.run([str(vipctl), "validate", str(file)], capture_output=True, text=True)
        if judged.returncode != 0:
            yield f"{name}:{line}: vipctl refuses this definition: {(judged.stdout + judged.stderr).strip()}"


def check(source, build):
    found, shown = [], 0
    vipctl = build / "bin/vipctl"
    if not vipctl.exists():
        found.append(f"{vipctl}: not built")
    for path in documents(source):
        name, text = str(path.relative_to(source)), path.read_text()
        found += link_violations(path, name, text)
        found += shell_violations(source, name, text)
        if vipctl.exists():
            shown += len(list(definitions(text)))
            found += definition_violations(vipctl, name, text)
    if vipctl.exists() and shown == 0:
        found.append("the documents show no definition: this check has lost its subject")
    return found
