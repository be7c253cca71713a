#!/usr/bin/env python3
"""Checks one rule of ARCHITECTURE.md. Usage: arch.py RULE --source DIR --build DIR

modules.json in the build folder says what CMake knows of each module: pure, deps, headers.
Exit status 0, or 1 with one line for each violation.
"""

import argparse
import json
import sys
from pathlib import Path

import agent_binary
import docs
import image
import layers
import purity
import text

RULES = {
    "purity": lambda args: purity.check(args.source, modules_of(args.build)),
    "layers": lambda args: layers.check(args.source, modules_of(args.build)),
    "agent_binary": lambda args: agent_binary.check(args.build),
    "text": lambda args: text.check(args.source),
    "image": lambda args: image.check(args.source, args.build),
    "docs": lambda args: docs.check(args.source, args.build),
}


def modules_of(build):
    modules = json.loads((build / "modules.json").read_text())
    if "base" not in modules:
        sys.exit("modules.json does not even name base: it is not what CMake wrote")
    return modules


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rule", choices=RULES)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--build", type=Path, required=True)
    args = parser.parse_args()
    args.source, args.build = args.source.resolve(), args.build.resolve()
    violations = RULES[args.rule](args)
    for violation in violations:
        print(violation)
    print(f"{args.rule}: {len(violations)} violation(s)")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
