"""Includes go where DEPS in CMake say and see what HEADERS offer; adapters do not know one another."""

import re

from cpp_text import cpp_files, includes

# They speak to one outside world each, and meet in the mains only.
ADAPTERS = {"net", "channel", "source", "checks", "report", "collect", "certs", "metrics", "kube"}
# Folders beside src. What each may include of the others; modules of src come on top.
MAINS = {"agent": {"agent"}, "controller": {"controller"}, "cli": {"cli"}, "lab": {"lab"}}
# The lab watches from outside: it knows the base types, and of Vipra what files, packets and programs show.
LAB_MODULES = {"base"}
GENERATED = re.compile(r"^vipra/(\w+)/v1/\w+\.pb\.h$|^vipra/(\w+)/v1/\w+\.grpc\.pb\.h$")


def owner_of(path):
    """The folder whose header this is, or None: ours end in .hpp (sys/socket.h is the system's)."""
    folder, _, file = path.partition("/")
    return folder if file.endswith(".hpp") else None


def closure(modules, name):
    """`name` and all that it depends on, directly or not."""
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += [dep for dep in modules.get(current, {"deps": []})["deps"]]
    return seen


def include_violations(text, name, module, modules):
    allowed = closure(modules, module)
    for line, quote, path in includes(text):
        generated = GENERATED.match(path)
        first = owner_of(path)
        if generated:
            proto = (generated.group(1) or generated.group(2)) + "_proto"
            # The channel's messages contain reasons, and so do the report's.
            if proto not in allowed and not (proto == "reason_proto" and allowed & {"channel_proto", "report_proto"}):
                yield f"{name}:{line}: {module} includes {path} without vipra::{proto} in its DEPS"
        elif first in MAINS:
            yield f"{name}:{line}: {module} includes {path}: nothing in src knows a main or the lab"
        elif quote == '"' and "/" not in path:
            yield f"{name}:{line}: {path} is not included by its path from src"
        elif first in modules and first not in allowed:
            yield f"{name}:{line}: {module} includes {path}, but does not declare vipra::{first} in its DEPS"
        elif first in modules and first != module and not offered(path, modules[first]):
            yield f"{name}:{line}: {module} includes {path}, which is not in the HEADERS of vipra::{first}"


def offered(path, module):
    return path == "base/reason.hpp" or any(header.endswith("/src/" + path) for header in module["headers"])


def main_violations(text, name, folder, modules):
    for line, _, path in includes(text):
        first = owner_of(path)
        if first in MAINS and first not in MAINS[folder]:
            yield f"{name}:{line}: {folder} includes {path}: mains do not know one another"
        elif folder == "lab" and first in modules and first not in LAB_MODULES:
            yield f"{name}:{line}: the lab includes {path}: it may know {', '.join(sorted(LAB_MODULES))} only"


def adapter_violations(modules):
    for name in sorted(ADAPTERS & set(modules)):
        for other in sorted((closure(modules, name) - {name}) & ADAPTERS):
            yield f"src/{name}/CMakeLists.txt: adapter {name} depends on adapter {other}"


def check(source, modules):
    found = list(adapter_violations(modules))
    for folder in sorted((source / "src").iterdir()):
        if folder.is_dir() and cpp_files(folder) and folder.name not in modules:
            found.append(f"src/{folder.name}: has sources but no vipra_add_library")
    for module in sorted(modules):
        for path in cpp_files(source / "src" / module):
            found += include_violations(path.read_text(), str(path.relative_to(source)), module, modules)
    for folder in MAINS:
        for path in cpp_files(source / folder):
            found += main_violations(path.read_text(), str(path.relative_to(source)), folder, modules)
    return found
