"""Pure modules see the standard library's values only: no system, socket, thread or network header, no clock, no file."""

import re

from cpp_text import code_only, cpp_files, includes

# Of the standard library. What is not here brings threads, files, clocks or chance.
STANDARD = set(
    """algorithm any array bit bitset cassert cctype cerrno charconv chrono cinttypes climits cmath compare concepts
    cstddef cstdint cstdio cstdlib cstring deque exception expected format forward_list functional initializer_list iterator
    limits list map memory memory_resource new numeric optional queue ranges ratio regex set source_location span stack stdexcept
    string string_view system_error tuple type_traits typeindex typeinfo unordered_map unordered_set utility variant
    vector version""".split()
)
OTHERS = {"tl/expected.hpp"}
# Where one more header is right, and why.
BY_MODULE = {
    "definitions": {"nlohmann/json.hpp", "nlohmann/json_fwd.hpp"},  # its input is JSON
    "planning": {"nlohmann/json.hpp", "nlohmann/json_fwd.hpp"},
    "kube_core": {"nlohmann/json.hpp", "nlohmann/json_fwd.hpp"},
}
BY_FILE = {
    "src/base/spsc_queue.hpp": {"atomic"},  # the queue between two threads: it waits for nobody
}
LAST_WORDS = "src/base/check.cpp"  # may print before it aborts

ASKS_THE_WORLD = re.compile(
    r"""::\s*now\s*\( | \b(?:steady|system|high_resolution|utc|file)_clock\b
      | \b(?:clock_gettime|gettimeofday|timespec_get|clock|localtime(?:_r)?|gmtime(?:_r)?)\s*\(
      | (?<![\w.>])time\s*\(\s*(?:nullptr|NULL|0|&)
      | \b(?:random_device|getrandom|arc4random|s?rand|random|getenv|secure_getenv)\s*[({]
      | \b(?:this_thread|sleep_for|sleep_until|nanosleep|usleep)\b""",
    re.VERBOSE,
)
USES_FILES = re.compile(r"\b(?:f?printf|v?fprintf|fputs|puts|fwrite|fread|fopen|fdopen|popen|system|syscall)\s*\(")


def violations_in(text, name, module, own_modules):
    allowed = STANDARD | OTHERS | BY_MODULE.get(module, set()) | BY_FILE.get(name, set())
    for line, _, path in includes(text):
        if path not in allowed and path.split("/")[0] not in own_modules:
            yield f"{name}:{line}: pure module {module} includes {path}"
    for line, content in enumerate(code_only(text).splitlines(), 1):
        for match in ASKS_THE_WORLD.finditer(content):
            yield f"{name}:{line}: pure module {module} asks the world: {match.group(0).strip()}"
        for match in USES_FILES.finditer(content):
            if name != LAST_WORDS:
                yield f"{name}:{line}: pure module {module} reads or writes: {match.group(0)}"


def check(source, modules):
    found = []
    pure = {name for name, module in modules.items() if module["pure"]}
    if not pure:
        return ["no module is marked PURE: the list of modules is broken"]
    for module in sorted(pure):
        for path in cpp_files(source / "src" / module):
            name = str(path.relative_to(source))
            found += violations_in(path.read_text(), name, module, pure)
    return found
