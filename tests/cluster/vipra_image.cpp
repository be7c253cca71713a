#include "tests/cluster/vipra_image.hpp"

#include <sstream>

#include "lab/command.hpp"
#include "lab/kube/files.hpp"
#include "lab/kube/image.hpp"

namespace vipra::lab::kube {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

Status copy_there(const fs::path& from, const fs::path& to) {
  if (const auto done = make_folder(to.parent_path()); !done) return done;
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  return error ? fail_errno("copy " + from.string(), error.value()) : Status{};
}

// The program and its libraries, to the places where the loader looks for them.
Status add_libraries(const NetNamespace& net, const fs::path& program, const fs::path& root) {
  const auto listed = run_command(net, {"/usr/bin/ldd", program.string()});
  if (!listed) return tl::unexpected{listed.error()};
  std::istringstream lines{listed->out};
  for (std::string line; std::getline(lines, line);) {
    const auto from = line.find('/');
    const auto to = line.find(" (", from);
    if (from == std::string::npos || to == std::string::npos) continue;
    const auto library = line.substr(from, to - from);
    std::error_code ignored;
    if (fs::exists(root / library.substr(1), ignored)) continue;
    if (const auto done = copy_there(library, root / library.substr(1)); !done) return done;
  }
  return {};
}

Status fill(const fs::path& programs, const fs::path& root) {
  const auto net = NetNamespace::current();
  if (!net) return tl::unexpected{net.error()};
  for (const char* name : {"vipra-agent", "vipra-control", "vipra-controller", "vipctl"}) {
    const auto to = root / "usr/local/bin" / name;
    if (const auto done = make_folder(to.parent_path()); !done) return done;
    // What is for a debugger is nine tenths of them.
    if (const auto done =
            must_run(*net, {"strip", "-o", to.string(), (programs / name).string()}, {}, seconds{60});
        !done)
      return done;
    if (const auto done = add_libraries(*net, programs / name, root); !done) return done;
  }
  // The one program of the system that the chart calls.
  if (const auto done = copy_there("/usr/bin/install", root / "usr/bin/install"); !done) return done;
  return add_libraries(*net, "/usr/bin/install", root);
}

}  // namespace

Status write_vipra_image(const fs::path& programs, const std::string& tag, const fs::path& archive) {
  const fs::path root = archive.string() + ".root";
  if (const auto done = make_folder(root); !done) return done;
  auto done = fill(programs, root);
  if (done)
    done = write_image({.reference = std::string{kVipraRepository} + ":" + tag,
                        .root = root,
                        .entrypoint = {},
                        .user = "65532:65532",
                        .environment = {"PATH=/usr/local/bin:/usr/bin"}},
                       archive);
  std::error_code ignored;
  fs::remove_all(root, ignored);
  return done;
}

}  // namespace vipra::lab::kube
