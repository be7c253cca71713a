#include "lab/kube/binaries.hpp"

#include "lab/command.hpp"
#include "lab/net_namespace.hpp"

namespace vipra::lab::kube {

Result<Binaries> Binaries::find(const std::filesystem::path& source, Level level) {
  const auto net = NetNamespace::current();
  if (!net) return tl::unexpected{net.error()};
  // Its complaints and the folder come in one stream; the folder is the last line.
  const auto asked = run_command(*net, {(source / "scripts/kube-binaries").string(), "--no-build", "--level",
                                        level == Level::kApi ? "api" : "cluster"});
  if (!asked) return tl::unexpected{asked.error()};
  std::string said = asked->out;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  if (asked->exit_status != 0)
    return fail(Errc::kNotFound, "the programs of Kubernetes are missing: " + said);
  return Binaries{said.substr(said.rfind('\n') + 1)};
}

}  // namespace vipra::lab::kube
