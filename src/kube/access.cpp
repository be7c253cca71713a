#include "kube/access.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/ip_address.hpp"

namespace vipra::kube {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;
constexpr std::uint16_t kNodePort = 6443;
constexpr std::uint16_t kHttpsPort = 443;

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || out == 0) return std::nullopt;
  return out;
}

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

bool is_plain_path(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-._~%/:"}.find(c) != std::string_view::npos;
  });
}

bool is_v6(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address && text.find(':') != std::string_view::npos;
}

tl::unexpected<Error> bad_server(std::string_view text, const char* why) {
  return fail(Errc::kInvalid, "\"" + std::string{text.substr(0, 300)} + "\" is no API server: " + why);
}

struct HostAndPort {
  std::string_view host;
  std::string_view port;  // empty if not given
  bool valid = true;
};

HostAndPort split(std::string_view authority) {
  if (is_v6(authority)) return {authority, {}};
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return {{}, {}, false};
    const auto host = authority.substr(1, end - 1);
    const auto rest = authority.substr(end + 1);
    if (rest.empty()) return {host, {}, is_v6(host)};
    return {host, rest.substr(1), is_v6(host) && rest.size() > 1 && rest.front() == ':'};
  }
  const auto colon = authority.find(':');
  if (colon == std::string_view::npos) return {authority, {}, is_host_name(authority)};
  const auto host = authority.substr(0, colon);
  return {host, authority.substr(colon + 1), is_host_name(host) && colon + 1 < authority.size()};
}

}  // namespace

std::string to_string(const Server& server) {
  const bool v6 = server.host.find(':') != std::string::npos;
  return (v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port) + server.path;
}

Result<Server> parse_server(std::string_view text) {
  auto rest = text;
  if (rest.starts_with("http://")) return bad_server(text, "only https is spoken");
  const bool url = rest.starts_with("https://");
  if (url) rest.remove_prefix(8);
  const auto slash = rest.find('/');
  const auto path = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  const auto parts = split(rest.substr(0, slash));
  if (!parts.valid || parts.host.empty()) return bad_server(text, "want https://HOST:PORT or HOST:PORT");
  Server out;
  out.host = parts.host;
  out.port = url ? kHttpsPort : kNodePort;
  if (!parts.port.empty()) {
    const auto port = parse_port(parts.port);
    if (!port) return bad_server(text, "its port is none");
    out.port = *port;
  }
  if (!is_plain_path(path) || path.size() > 200) return bad_server(text, "its path is none");
  out.path = path;
  while (out.path.ends_with('/')) out.path.pop_back();
  return out;
}

Result<std::string> Material::read() const {
  if (file.empty()) return data;
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return fail(Errc::kNotFound, "there is no file " + file);
  std::ifstream in{file, std::ios::binary};
  if (!in) return fail(Errc::kPermission, "cannot read " + file);
  std::string out(kMaxFile + 1, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return fail(Errc::kIo, "cannot read " + file);
  if (out.empty()) return fail(Errc::kInvalid, file + " is empty");
  if (out.size() > kMaxFile) return fail(Errc::kInvalid, file + " is too large");
  return out;
}

Result<Access> in_cluster(std::string_view host, std::string_view port, const std::filesystem::path& folder) {
  if (host.empty() || port.empty())
    return fail(Errc::kNotFound,
                "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set");
  const auto number = parse_port(port);
  if (!is_v6(host) && !is_host_name(host)) return bad_server(host, "KUBERNETES_SERVICE_HOST is no host");
  if (!number) return bad_server(port, "KUBERNETES_SERVICE_PORT is no port");
  Access out;
  out.servers.push_back({std::string{host}, *number, {}});
  out.ca.file = folder / "ca.crt";
  out.token.file = folder / "token";
  for (const auto* file : {&out.ca.file, &out.token.file}) {
    std::error_code error;
    if (!std::filesystem::exists(*file, error))
      return fail(Errc::kNotFound, "the service account's " + *file + " is not there");
  }
  if (auto name_space = Material{folder / "namespace", {}}.read()) {
    while (!name_space->empty() && name_space->back() <= ' ') name_space->pop_back();
    if (is_host_name(*name_space)) out.name_space = std::move(*name_space);
  }
  return out;
}

Result<Access> in_cluster() {
  const auto variable = [](const char* name) {
    const auto* value = std::getenv(name);
    return std::string{value == nullptr ? "" : value};
  };
  return in_cluster(variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"));
}

Result<Access> with_endpoints(Access access, const std::vector<std::string>& endpoints) {
  if (endpoints.empty()) return access;
  access.servers.clear();
  for (const auto& text : endpoints) {
    auto server = parse_server(text);
    if (!server) return tl::unexpected{std::move(server.error())};
    const bool known =
        std::find(access.servers.begin(), access.servers.end(), *server) != access.servers.end();
    if (!known) access.servers.push_back(std::move(*server));
  }
  return access;
}

Result<Access> find_access(const std::string& kubeconfig, const std::vector<std::string>& endpoints) {
  auto access = kubeconfig.empty() ? in_cluster() : from_kubeconfig(kubeconfig);
  if (!access) return access;
  return with_endpoints(std::move(*access), endpoints);
}

}  // namespace vipra::kube
