#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <string>
#include <utility>

#include "kube/access.hpp"

namespace vipra::kube {
namespace {

namespace fs = std::filesystem;

class Kubeconfig {
 public:
  Kubeconfig(YAML::Node root, const fs::path& file) : root_{std::move(root)}, file_{file} {}

  Result<Access> access(std::string_view wanted) const {
    const auto context = wanted.empty() ? text(root_, "current-context") : std::string{wanted};
    if (context.empty()) return refuse("has no current-context");
    const auto chosen = named("contexts", context, "context");
    if (!chosen) return refuse("has no context \"" + context + "\"");
    const auto cluster = named("clusters", text(chosen, "cluster"), "cluster");
    if (!cluster) return refuse("has no cluster \"" + text(chosen, "cluster") + "\"");
    Access out;
    out.name_space = text(chosen, "namespace");
    if (auto done = add_cluster(cluster, out); !done) return tl::unexpected{std::move(done.error())};
    if (const auto user = text(chosen, "user"); !user.empty()) {
      const auto credentials = named("users", user, "user");
      if (!credentials) return refuse("has no user \"" + user + "\"");
      if (auto done = add_user(credentials, out); !done) return tl::unexpected{std::move(done.error())};
    }
    return out;
  }

 private:
  [[nodiscard]] tl::unexpected<Error> refuse(const std::string& why) const {
    return fail(Errc::kInvalid, "kubeconfig " + file_.string() + " " + why);
  }
  static std::string text(const YAML::Node& node, const char* key) {
    if (!node.IsMap()) return {};
    const auto value = node[key];
    return value && value.IsScalar() ? value.Scalar() : std::string{};
  }
  static bool has(const YAML::Node& node, const char* key) {
    if (!node.IsMap()) return false;
    const auto value = node[key];
    return value && !value.IsNull() && !(value.IsScalar() && value.Scalar().empty());
  }
  // {name: NAME, KEY: {...}} of a list, as kubeconfigs have them.
  YAML::Node named(const char* list, const std::string& name, const char* key) const {
    const YAML::Node none{YAML::NodeType::Undefined};
    const auto entries = root_[list];
    if (!entries || !entries.IsSequence()) return none;
    for (const auto& entry : entries) {
      if (text(entry, "name") == name && has(entry, key)) return entry[key];
    }
    return none;
  }

  // KEY-data (base64) goes before KEY, as with kubectl; a relative path starts at the kubeconfig's folder.
  Status add(const YAML::Node& node, const std::string& key, Material& out) const {
    const auto data = text(node, (key + "-data").c_str());
    if (!data.empty()) {
      auto decoded = base64(data);
      if (!decoded) return refuse("has a " + key + "-data that is no base64");
      out.data = std::move(*decoded);
      return {};
    }
    add_file(text(node, key.c_str()), out);
    return {};
  }
  void add_file(const std::string& path, Material& out) const {
    if (!path.empty()) out.file = (file_.parent_path() / path).string();
  }

  static Result<std::string> base64(std::string text) {
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    if (text.size() % 4 != 0 || text.empty()) return fail(Errc::kInvalid, "no base64");
    std::string out(text.size() / 4 * 3, '\0');
    const int length =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (length < 0) return fail(Errc::kInvalid, "no base64");
    const auto padding = static_cast<std::size_t>(std::count(text.end() - 2, text.end(), '='));
    out.resize(static_cast<std::size_t>(length) - padding);
    return out;
  }

  Status add_cluster(const YAML::Node& cluster, Access& out) const {
    if (text(cluster, "insecure-skip-tls-verify") == "true")
      return refuse(
          "wants insecure-skip-tls-verify, which Vipra does not do: give the certificate-authority");
    if (has(cluster, "proxy-url")) return refuse("wants a proxy (proxy-url), which Vipra does not use");
    auto server = parse_server(text(cluster, "server"));
    if (!server) return refuse("has a bad server: " + server.error().what);
    out.servers.push_back(std::move(*server));
    out.server_name = text(cluster, "tls-server-name");
    if (auto done = add(cluster, "certificate-authority", out.ca); !done) return done;
    if (out.ca.empty()) return refuse("has no certificate-authority; the system's are not used");
    return {};
  }

  Status add_user(const YAML::Node& user, Access& out) const {
    for (const char* key : {"exec", "auth-provider", "username", "password", "as"}) {
      if (has(user, key))
        return refuse(std::string{"has a user with \""} + key +
                      "\", which Vipra does not do: use a token, a tokenFile or a client certificate");
    }
    add_file(text(user, "tokenFile"), out.token);
    if (out.token.empty()) out.token.data = text(user, "token");
    if (auto done = add(user, "client-certificate", out.client_certificate); !done) return done;
    if (auto done = add(user, "client-key", out.client_key); !done) return done;
    if (out.client_certificate.empty() != out.client_key.empty())
      return refuse("has a user with only one of client-certificate and client-key");
    return {};
  }

  YAML::Node root_;
  const fs::path& file_;
};

}  // namespace

Result<Access> from_kubeconfig(const fs::path& file, std::string_view context) {
  auto content = Material{file.string(), {}}.read();
  if (!content) return tl::unexpected{std::move(content.error())};
  try {
    auto root = YAML::Load(*content);
    if (!root.IsMap()) return fail(Errc::kInvalid, "kubeconfig " + file.string() + " is no YAML map");
    return Kubeconfig{std::move(root), file}.access(context);
  } catch (const YAML::Exception&) {  // its text may quote a secret
    return fail(Errc::kInvalid, "kubeconfig " + file.string() + " is no YAML");
  }
}

}  // namespace vipra::kube
