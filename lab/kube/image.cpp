#include "lab/kube/image.hpp"

#include <openssl/evp.h>

#include <array>
#include <system_error>

#include "lab/command.hpp"
#include "lab/kube/files.hpp"

namespace vipra::lab::kube {
namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
constexpr const char* kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr const char* kArchitecture = "arm64";
#else
#error "name this architecture as OCI does"
#endif

std::string sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4U];
    hex += kDigits[digest[i] & 0xfU];
  }
  return hex;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string list_of(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ",") + quoted(word);
  return "[" + out + "]";
}

Status tar(const fs::path& from, const fs::path& to) {
  const auto net = NetNamespace::current();
  if (!net) return tl::unexpected{net.error()};
  // The same bytes from the same folder.
  return must_run(*net,
                  {"tar", "--create", "--file", to.string(), "--directory", from.string(), "--numeric-owner",
                   "--owner=0", "--group=0", "--sort=name", "--mtime=@0", "."},
                  {}, std::chrono::minutes{2});
}

struct Blob {
  std::string media_type;
  std::string digest;
  std::size_t size;

  [[nodiscard]] std::string descriptor(const std::string& annotations = {}) const {
    return R"({"mediaType":")" + media_type + R"(","digest":"sha256:)" + digest + R"(","size":)" +
           std::to_string(size) + annotations + "}";
  }
};

Result<Blob> put(const fs::path& layout, const std::string& media_type, const std::string& text) {
  Blob blob{media_type, sha256(text), text.size()};
  if (const auto done = write_file(layout / "blobs/sha256" / blob.digest, text); !done)
    return tl::unexpected{done.error()};
  return blob;
}

Status fill(const ImageOptions& options, const fs::path& layout) {
  if (const auto done = make_folder(layout / "blobs/sha256"); !done) return done;
  const auto tarball = layout / "layer.tar";
  if (const auto done = tar(options.root, tarball); !done) return done;
  const auto layer = put(layout, "application/vnd.oci.image.layer.v1.tar", read_file(tarball));
  if (!layer) return tl::unexpected{layer.error()};
  std::error_code ignored;
  fs::remove(tarball, ignored);
  const auto config =
      put(layout, "application/vnd.oci.image.config.v1+json",
          std::string{R"({"os":"linux","architecture":")"} + kArchitecture + R"(","config":{)" +
              R"("Entrypoint":)" + list_of(options.entrypoint) + R"(,"User":)" + quoted(options.user) +
              R"(,"Env":)" + list_of(options.environment) +
              R"(},"rootfs":{"type":"layers","diff_ids":["sha256:)" + layer->digest +
              R"("]},"history":[{"created_by":"vipra-lab"}]})");
  if (!config) return tl::unexpected{config.error()};
  const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
  const auto manifest = put(layout, manifest_type,
                            R"({"schemaVersion":2,"mediaType":")" + manifest_type + R"(","config":)" +
                                config->descriptor() + R"(,"layers":[)" + layer->descriptor() + "]}");
  if (!manifest) return tl::unexpected{manifest.error()};
  const std::string name = quoted(options.reference);
  const std::string index = R"({"schemaVersion":2,"manifests":[)" +
                            manifest->descriptor(R"(,"annotations":{"io.containerd.image.name":)" + name +
                                                 R"(,"org.opencontainers.image.ref.name":)" + name + "}") +
                            "]}";
  if (const auto done = write_file(layout / "index.json", index); !done) return done;
  return write_file(layout / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
}

}  // namespace

Status write_image(const ImageOptions& options, const fs::path& archive) {
  const fs::path layout = archive.string() + ".layout";
  auto done = fill(options, layout);
  if (done) done = tar(layout, archive);
  std::error_code ignored;
  fs::remove_all(layout, ignored);
  return done;
}

Status write_pod_image(const fs::path& archive) {
  const fs::path root = archive.string() + ".root";
  if (const auto done = make_folder(root); !done) return done;
  std::error_code error;
  fs::copy_file(VIPRA_LAB_POD, root / "pod", fs::copy_options::overwrite_existing, error);
  if (error) return fail_errno(std::string{"copy "} + VIPRA_LAB_POD, error.value());
  const auto done = write_image({.reference = kPodImage, .root = root, .entrypoint = {"/pod"}}, archive);
  fs::remove_all(root, error);
  return done;
}

}  // namespace vipra::lab::kube
