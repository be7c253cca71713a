"""vipra-agent holds no gRPC, cpprest, Boost, JSON, YAML, TLS or full protobuf, and needs nothing but libc to run.

Three witnesses: the link map (what went in), the symbols (what is in), the dynamic section (what it asks for).
"""

import re
import subprocess

LIBRARIES = re.compile(r"^(?:libc\.so\.\d+|libm\.so\.\d+|ld-linux[\w-]*\.so\.\d+)$")
SYMBOLS = re.compile(
    r"""\b(?:grpc(?:::|_)|absl::|nlohmann::|boost::|web::http|pplx::|YAML::|prometheus::|CLI::App
      |google::protobuf::(?:DescriptorPool|FileDescriptor|Reflection|TextFormat)
      |SSL_|EVP_|OPENSSL_|CRYPTO_|spdlog::|fmt::v\d+::)""",
    re.VERBOSE,
)


# What the link map may have loaded: the compiler's and libc's own, the two libraries, and ours.
LOADED = re.compile(
    r"""^(?:(?:crt1|Scrt1|rcrt1|crti|crtn|crtbeginS?|crtendS?)\.o
      |libc\.so(?:\.\d+)?|libc_nonshared\.a|libm\.so(?:\.\d+)?|libmvec\.so\.\d+|ld-linux[\w-]*\.so\.\d+|libpthread\.(?:a|so)
      |libstdc\+\+\.a|libgcc(?:_eh)?\.a|libprotobuf-lite\.a|libnl(?:-route)?-3\.a|libz\.a
      |libvipra_\w+\.a|main\.cpp\.o)$""",
    re.VERBOSE,
)


def map_violations(name, link_map):
    loaded = {path.rsplit("/", 1)[-1] for path in re.findall(r"^LOAD (\S+)$", link_map, re.MULTILINE)}
    if "libprotobuf-lite.a" not in loaded:
        return [f"{name}: its link map does not even show libprotobuf-lite.a: this is no map of it"]
    return [f"{name}: links {file}" for file in sorted(loaded) if not LOADED.match(file)]


def needed(dynamic_section):
    """Libraries of `readelf --dynamic`."""
    return re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic_section)


def needed_violations(name, dynamic_section):
    return [f"{name}: needs {lib}" for lib in needed(dynamic_section) if not LIBRARIES.match(lib)]


def symbol_violations(name, symbols):
    """`symbols` as `nm --demangle` prints them; one example for each forbidden family."""
    examples = {}
    for line in symbols.splitlines():
        match = SYMBOLS.search(line)
        if match:
            examples.setdefault(match.group(0), line.strip())
    return [f"{name}: holds {family} ({line[:120]})" for family, line in sorted(examples.items())]


def inspect(binary):
    def run(*command):
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    symbols = run("nm", "--demangle", str(binary))
    if "main" not in symbols:
        return [f"{binary.name}: has no symbol table, so nothing can be said of it"]
    return needed_violations(binary.name, run("readelf", "--dynamic", "--wide", str(binary))) + symbol_violations(
        binary.name, symbols
    )


def check(build):
    found = []
    agent, control = build / "bin/vipra-agent", build / "bin/vipra-control"
    for binary in (agent, control):
        if not binary.exists():
            found.append(f"{binary}: not built")
    if found:
        return found
    found += inspect(agent)
    link_map = build / "bin/vipra-agent.map"
    found += map_violations(agent.name, link_map.read_text()) if link_map.exists() else [f"{link_map}: not there"]
    # Control has all of it: were it clean too, this check would be blind.
    if not inspect(control):
        found.append("vipra-control looks clean: the check does not see what it looks for")
    return found
