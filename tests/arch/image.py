"""The image holds the libraries that its programs need: the list of the Dockerfile against the programs themselves."""

import re
import subprocess

PROGRAMS = ("vipra-agent", "vipra-control", "vipctl", "vipra-controller")
PACKAGES = re.compile(r'packages="([^"]*)"')
# Of the base image.
BASE = {"libc6", "libstdc++6", "libgcc-s1"}


def listed_packages(dockerfile):
    found = PACKAGES.search(dockerfile)
    return set(found.group(1).split()) if found else set()


def direct_libraries(dynamic_section, resolved):
    """Paths of the libraries that `readelf --dynamic` names, by the words of `ldd`."""
    paths = dict(re.findall(r"^\s*(\S+) => (\S+) \(", resolved, re.MULTILINE))
    return [paths[name] for name in re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic_section) if name in paths]


def package_of(owners, path):
    """`owners`: the words of dpkg-query --search, "libx1:amd64: /usr/lib/libx.so.1"."""
    for line in owners.splitlines():
        package, _, owned = line.rpartition(": ")
        if owned == path:
            return package.split(":")[0]
    return None


def violations(name, packages, listed):
    return [f"Dockerfile: {name} needs {package}, which is not installed in the image"
            for package in sorted(packages - listed - BASE)]


def check(source, build):
    listed = listed_packages((source / "Dockerfile").read_text())
    found = [] if listed else ["Dockerfile: no list of packages"]

    def run(*command):
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout

    for name in PROGRAMS:
        program = build / "bin" / name
        if not program.exists():
            # The controller is not part of every build; the others are.
            found += [] if name == "vipra-controller" else [f"{program}: not built"]
            continue
        libraries = direct_libraries(run("readelf", "--dynamic", "--wide", str(program)), run("ldd", str(program)))
        packages = set()
        for library in libraries:
            # dpkg knows some files by the path before /usr was merged.
            for path in (library, library.removeprefix("/usr"), "/usr" + library):
                package = package_of(run("dpkg-query", "--search", path), path)
                if package:
                    packages.add(package)
                    break
            else:
                found.append(f"{name}: no package owns {library}")
        found += violations(name, packages, listed)
    return found
