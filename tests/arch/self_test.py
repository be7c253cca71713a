#!/usr/bin/env python3
"""Every rule refuses a bad sample and lets a good one pass: a rule that can not fail would be worse than none."""

import tempfile
import unittest
from pathlib import Path

import agent_binary
import cpp_text
import docs
import image
import layers
import purity
import text

MODULES = {
    "base": {"pure": True, "deps": [], "headers": ["/p/src/base/a.hpp"]},
    "vrrp": {"pure": True, "deps": ["base"], "headers": []},
    "router": {"pure": True, "deps": ["vrrp"], "headers": ["/p/src/router/a.hpp"]},
    "sys": {"pure": False, "deps": ["base"], "headers": []},
    "net": {"pure": False, "deps": ["sys"], "headers": []},
    "channel": {"pure": False, "deps": ["sys", "channel_proto"], "headers": []},
}


def tree(test, files):
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    root = Path(folder.name).resolve()
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


class CppText(unittest.TestCase):
    def test_comments_and_literals_are_no_code(self):
        code = cpp_text.code_only('int a; // ::now(\nauto s = "time(0)"; /* rand(\n */ int n = 1\'000; R"x(now()x" + b;')
        self.assertNotIn("now", code)
        self.assertNotIn("time", code)
        self.assertIn("int n = 1'000;", code)
        self.assertEqual(code.count("\n"), 2)

    def test_commented_includes_do_not_count(self):
        found = cpp_text.includes('// #include <thread>\n#  include "a/b.hpp"\n/* #include <x> */ \n#include <span>')
        self.assertEqual(found, [(2, '"', "a/b.hpp"), (4, "<", "span")])


class Purity(unittest.TestCase):
    def judge(self, content, name="src/vrrp/x.cpp", module="vrrp"):
        return list(purity.violations_in(content, name, module, {"base", "vrrp"}))

    def test_good(self):
        self.assertEqual(self.judge('#include <span>\n#include "base/time.hpp"\nauto skew_time(int now_ns);\n'), [])
        self.assertEqual(self.judge("auto t = event.time(); auto k = wait_time(0); // steady_clock::now()"), [])

    def test_headers_of_the_world_are_refused(self):
        for header in (
            "thread", "mutex", "atomic", "random", "ctime", "fstream", "iostream", "filesystem", "future",
            "sys/socket.h", "netinet/in.h", "unistd.h", "linux/if.h", "grpcpp/grpcpp.h", "cpprest/json.h",
            "boost/asio.hpp", "nlohmann/json.hpp", "netlink/netlink.h",
        ):  # fmt: skip
            self.assertEqual(len(self.judge(f"#include <{header}>\n")), 1, header)
        self.assertEqual(len(self.judge('#include "sys/memfd.hpp"\n')), 1)

    def test_exceptions_hold_where_they_are_given_only(self):
        self.assertEqual(self.judge("#include <atomic>", "src/base/spsc_queue.hpp", "base"), [])
        self.assertEqual(self.judge("#include <nlohmann/json.hpp>", "src/definitions/x.cpp", "definitions"), [])

    def test_questions_for_time_and_chance_are_refused(self):
        for code in (
            "auto n = std::chrono::steady_clock::now();", "Clock::now( )", "clock_gettime(CLOCK_MONOTONIC, &ts);",
            "gettimeofday(&tv, nullptr);", "auto t = std::time(nullptr);", "::time(&t);", "time(0)", "std::random_device{}",
            "rand()", "std::getenv(name)", "std::fopen(path, mode)", "fprintf(stderr, text)", "std::this_thread::yield();", "usleep(3);",
        ):  # fmt: skip
            self.assertNotEqual(self.judge(code), [], code)

    def test_a_tree_is_walked(self):
        root = tree(self, {"src/vrrp/bad.cpp": "#include <thread>\n", "src/net/fine.cpp": "#include <thread>\n"})
        self.assertEqual(purity.check(root, MODULES), ["src/vrrp/bad.cpp:1: pure module vrrp includes thread"])

    def test_no_pure_module_at_all_is_an_error(self):
        self.assertNotEqual(purity.check(Path("/nowhere"), {}), [])


class Layers(unittest.TestCase):
    def judge(self, content, module):
        return list(layers.include_violations(content, f"src/{module}/x.cpp", module, MODULES))

    def test_good(self):
        self.assertEqual(self.judge('#include "router/a.hpp"\n#include "base/a.hpp"\n', "router"), [])
        self.assertEqual(self.judge("#include <sys/socket.h>\n", "channel"), [])
        self.assertEqual(self.judge('#include "vipra/channel/v1/channel.pb.h"\n', "channel"), [])
        self.assertEqual(self.judge('#include "vipra/reason/v1/reason.pb.h"\n', "channel"), [])

    def test_undeclared_module(self):
        self.assertEqual(len(self.judge('#include "router/a.hpp"\n', "vrrp")), 1)
        self.assertEqual(len(self.judge('#include "channel/a.hpp"\n', "net")), 1)
        self.assertEqual(len(self.judge("#include <channel/a.hpp>\n", "net")), 1)

    def test_undeclared_messages(self):
        self.assertEqual(len(self.judge('#include "vipra/report/v1/report.grpc.pb.h"\n', "channel")), 1)
        self.assertEqual(len(self.judge('#include "vipra/reason/v1/reason.pb.h"\n', "net")), 1)

    def test_mains_and_paths(self):
        for path in ("agent/owned_page.hpp", "lab/lab.hpp", "cli/table.hpp", "memfd.hpp"):
            self.assertEqual(len(self.judge(f'#include "{path}"\n', "net")), 1, path)

    def test_mains_do_not_know_one_another(self):
        bad = list(layers.main_violations('#include "agent/owned_page.hpp"\n', "lab/x.cpp", "lab", MODULES))
        self.assertEqual(len(bad), 1)
        bad = list(layers.main_violations('#include "net/x.hpp"\n', "lab/x.cpp", "lab", MODULES))
        self.assertEqual(len(bad), 1)
        good = list(layers.main_violations('#include "net/x.hpp"\n', "agent/x.cpp", "agent", MODULES))
        self.assertEqual(good, [])

    def test_adapters_do_not_know_one_another(self):
        self.assertEqual(list(layers.adapter_violations(MODULES)), [])
        sideways = MODULES | {"net": {"pure": False, "deps": ["channel"], "headers": []}}
        self.assertEqual(len(list(layers.adapter_violations(sideways))), 1)

    def test_private_headers_stay_private(self):
        self.assertEqual(len(self.judge('#include "base/private.hpp"\n', "vrrp")), 1)
        self.assertEqual(self.judge('#include "base/private.hpp"\n', "base"), [])
        self.assertEqual(self.judge('#include "base/reason.hpp"\n', "vrrp"), [])

    def test_every_folder_is_a_module(self):
        root = tree(self, {"src/base/a.hpp": "", "src/stray/x.cpp": "", "lab/x.cpp": ""})
        modules = {"base": {"pure": True, "deps": [], "headers": [str(root / "src/base/a.hpp")]}}
        self.assertEqual(layers.check(root, modules), ["src/stray: has sources but no vipra_add_library"])


class Image(unittest.TestCase):
    DYNAMIC = " 0x0000000000000001 (NEEDED)             Shared library: [libx.so.1]\n"
    RESOLVED = "\tlibx.so.1 => /lib/libx.so.1 (0x0)\n\tliby.so.1 => /lib/liby.so.1 (0x0)\n"

    def test_direct_libraries_only(self):
        self.assertEqual(image.direct_libraries(self.DYNAMIC, self.RESOLVED), ["/lib/libx.so.1"])

    def test_packages(self):
        self.assertEqual(image.package_of("libx1:amd64: /lib/libx.so.1", "/lib/libx.so.1"), "libx1")
        self.assertIsNone(image.package_of("lib32x1: /usr/lib32/libx.so.1", "/lib/libx.so.1"))
        listed = image.listed_packages('RUN packages="libx1 libz2"; \\')
        self.assertEqual(image.violations("p", {"libx1", "libc6"}, listed), [])
        self.assertEqual(len(image.violations("p", {"liby1"}, listed)), 1)


class AgentBinary(unittest.TestCase):
    DYNAMIC = " 0x0000000000000001 (NEEDED)             Shared library: [{}]\n"

    def test_libraries(self):
        good = "".join(self.DYNAMIC.format(name) for name in ("libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"))
        self.assertEqual(agent_binary.needed_violations("a", good), [])
        for name in ("libstdc++.so.6", "libnl-3.so.200", "libprotobuf-lite.so.32", "libssl.so.3", "libgrpc++.so.1.51"):
            self.assertEqual(len(agent_binary.needed_violations("a", self.DYNAMIC.format(name))), 1, name)

    def test_symbols(self):
        good = "0000 T vipra::log::Logger::write()\n0000 T google::protobuf::MessageLite::ParseFromArray()\n0000 T nl_send\n"
        self.assertEqual(agent_binary.symbol_violations("a", good), [])
        for name in (
            "grpc::Channel::Call()", "grpc_init", "nlohmann::json_abi::parse", "boost::asio::io_context::run()", "SSL_new",
            "google::protobuf::DescriptorPool::generated_pool()", "YAML::Node::Node()", "web::http::client::x",
        ):  # fmt: skip
            self.assertEqual(len(agent_binary.symbol_violations("a", f"0000 T {name}\n")), 1, name)

    def test_link_map(self):
        good = "".join(f"LOAD /usr/lib/x/{name}\n" for name in ("Scrt1.o", "libprotobuf-lite.a", "libnl-3.a", "libc.so.6"))
        good += "LOAD agent/speaker/libvipra_speaker.a\n"
        self.assertEqual(agent_binary.map_violations("a", good), [])
        for name in ("libprotobuf.a", "libgrpc.a", "libssl.so", "libyaml-cpp.so", "libstdc++.so", "json.o"):
            self.assertEqual(len(agent_binary.map_violations("a", good + f"LOAD /usr/lib/{name}\n")), 1, name)
        self.assertEqual(len(agent_binary.map_violations("a", "")), 1)

    def test_a_binary_that_is_not_there_is_an_error(self):
        self.assertEqual(len(agent_binary.check(Path("/nowhere"))), 2)


class Text(unittest.TestCase):
    def test_marks(self):
        for line in ("// TODO: later", "// FIXME", "throw not_yet; // Not yet implemented", "/* XXX */"):
            self.assertEqual(len(list(text.line_violations("src/a.cpp", line))), 1, line)
        self.assertEqual(list(text.line_violations("src/a.cpp", "mktemp -d /var/tmp/vipra.XXXXXX")), [])

    def test_machine_paths(self):
        for line in ("/" + "work/main/src", "cmake -B /" + "tmp/b-me", "see .." + "/shared/design", "/" + "home/me/vipra", "/" + "root/.cache"):
            self.assertEqual(len(list(text.line_violations("tests/a.cpp", line))), 1, line)
        for line in ("https://example.org/home", "src/" + "work/x.hpp", "$HOME/x", "/etc/vipra/definitions"):
            self.assertEqual(list(text.line_violations("README.md", line)), [], line)

    def test_length(self):
        self.assertEqual(text.length_violations("a.cpp", "\n" * 400), ([], []))
        self.assertEqual([len(found) for found in text.length_violations("a.cpp", "\n" * 401)], [0, 1])
        self.assertEqual([len(found) for found in text.length_violations("a.cpp", "\n" * 601)], [1, 0])
        self.assertEqual(text.length_violations("README.md", "\n" * 900), ([], []))

    def test_a_tree_is_walked(self):
        root = tree(self, {"src/a.cpp": "// TODO\n", "build/b.cpp": "// TODO\n", "picture.png": "fine"})
        self.assertEqual(text.check(root), ["src/a.cpp:1: unfinished: TODO"])


class Docs(unittest.TestCase):
    def test_links(self):
        root = tree(self, {"README.md": "# One word\n[a](docs/b.md#two-words) [x](#one-word) [w](https://x) `[a](b)`\n",
                           "docs/b.md": "## Two words\n[gone](c.md) [none](../README.md#three)\n"})  # fmt: skip
        found = [v for p in docs.documents(root) for v in docs.link_violations(p, p.name, p.read_text())]
        self.assertEqual(len(found), 2, found)

    def test_shell_examples(self):
        root = tree(self, {"demo": ""})
        self.assertEqual(list(docs.shell_violations(root, "README.md", "```sh\nsudo ./demo\n```\n")), [])
        self.assertEqual(len(list(docs.shell_violations(root, "README.md", "```sh\nsudo ./gone\n```\n"))), 1)
        self.assertEqual(len(list(docs.shell_violations(root, "README.md", "```sh\nif true; then\n```\n"))), 1)

    def test_definitions_are_found(self):
        shown = "```yaml\napiVersion: vipra.dev/v1alpha1\n```\n```sh\ncat >f <<'END'\napiVersion: vipra.dev/v1\nEND\necho '{apiVersion: vipra.dev/v1}' >g\n```\n"
        self.assertEqual([line for line, _ in docs.definitions(shown)], [1, 4, 4])

    def test_refused_definitions_are_reported(self):
        shown = "```yaml\napiVersion: vipra.dev/v1alpha1\n```\n"
        self.assertEqual(len(list(docs.definition_violations("false", "README.md", shown))), 1)
        self.assertEqual(list(docs.definition_violations("true", "README.md", shown)), [])


if __name__ == "__main__":
    unittest.main()
