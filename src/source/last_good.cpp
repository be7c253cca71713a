#include "source/last_good.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "source/document.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::source {
namespace {

using nlohmann::json;

constexpr const char* kFile = "last-good";
constexpr const char* kTemporary = ".last-good.new";
constexpr std::string_view kMagic = "vipra-last-good";
constexpr int kVersion = 1;
constexpr std::size_t kMaxHeader = 200;
constexpr std::size_t kMaxFile = 256u << 20;
// What was accepted from many files is one document here.
constexpr DocumentLimits kLimits{kMaxFile, 64, 100'000'000};

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) return {};
  std::string out;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (unsigned i = 0; i < length; ++i) {
    out += kDigits[digest[i] >> 4];
    out += kDigits[digest[i] & 0xf];
  }
  return out;
}

json to_json(const LastGood& content) {
  json out{{"objects", json::array()}, {"labels", content.labels}, {"peers", json::array()}};
  for (const auto& object : content.objects) {
    out["objects"].push_back({{"file", object.file}, {"origin", object.origin}, {"object", object.json}});
  }
  for (const auto& peer : content.peers) {
    json addresses = json::array();
    for (const auto& address : peer.addresses) addresses.push_back(address.to_string());
    out["peers"].push_back({{"node", peer.node},
                            {"addresses", std::move(addresses)},
                            {"rank", peer.rank},
                            {"labels", peer.labels}});
  }
  for (const auto& wish : content.wishes)
    out["wishes"].push_back({{"virtualIP", wish.virtual_ip}, {"untilUnixNs", wish.until_unix_ns}});
  return out;
}

LastGood from_json(json& document) {
  LastGood out;
  for (auto& entry : document.at("objects")) {
    out.objects.push_back({std::move(entry.at("object")), entry.at("file"), entry.at("origin")});
  }
  out.labels = document.at("labels").get<std::map<std::string, std::string>>();
  for (const auto& entry : document.at("peers")) {
    plan::Peer peer{entry.at("node"), {}, entry.at("rank")};
    peer.labels = entry.value("labels", peer.labels);  // older files have none
    for (const auto& text : entry.at("addresses")) {
      if (const auto address = IpAddress::parse(text.get<std::string>())) peer.addresses.push_back(*address);
    }
    out.peers.push_back(std::move(peer));
  }
  if (document.contains("wishes")) {  // files of before there were any have none
    for (const auto& entry : document.at("wishes"))
      out.wishes.push_back({entry.at("virtualIP"), entry.at("untilUnixNs")});
  }
  return out;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  const sys::UniqueFd file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!file && errno == ENOENT) return fail(Errc::kNotFound, path.string() + ": does not exist", ENOENT);
  if (!file) return fail_errno(path.string(), errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return fail_errno(path.string(), errno);
  const bool fits = status.st_size >= 0 && static_cast<std::size_t>(status.st_size) <= kMaxFile;
  if (!S_ISREG(status.st_mode) || !fits)
    return fail(Errc::kInvalid, path.string() + ": is not a file of last good definitions");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const auto count = ::read(file.get(), text.data() + used, text.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(path.string(), errno);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  text.resize(used);
  return text;
}

Status write_all(int fd, std::string_view text, const std::string& what) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(what, errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(fd) != 0) return fail_errno(what, errno);
  return {};
}

Status write_atomically(const std::filesystem::path& folder, std::string_view head,
                        std::string_view payload) {
  const sys::UniqueFd directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return fail_errno(folder.string(), errno);
  const auto what = (folder / kFile).string();
  {
    const sys::UniqueFd file{
        ::openat(directory.get(), kTemporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file) return fail_errno(what, errno);
    auto written = write_all(file.get(), std::string{head}.append(payload), what);
    if (!written) {
      ::unlinkat(directory.get(), kTemporary, 0);
      return written;
    }
  }
  if (::renameat(directory.get(), kTemporary, directory.get(), kFile) != 0) return fail_errno(what, errno);
  if (::fsync(directory.get()) != 0) return fail_errno(what, errno);
  return {};
}

struct Parts {
  int version = 0;
  std::size_t length = 0;
  std::string digest;
  std::string_view payload;
};

std::optional<Parts> take_apart(std::string_view text) {
  const auto end = text.substr(0, kMaxHeader).find('\n');
  if (end == text.npos) return std::nullopt;
  std::istringstream head{std::string{text.substr(0, end)}};
  Parts out;
  std::string magic;
  if (!(head >> magic >> out.version >> out.length >> out.digest) || magic != kMagic) return std::nullopt;
  out.payload = text.substr(end + 1);
  return out;
}

}  // namespace

Result<LastGood> LastGoodFile::load() {
  const auto path = folder_ / kFile;
  const auto damaged = [&](const char* how) { return fail(Errc::kInvalid, path.string() + ": " + how); };
  const auto text = read_file(path);
  if (!text) return tl::unexpected{text.error()};
  const auto parts = take_apart(*text);
  if (!parts) return damaged("is damaged: it has no header");
  if (parts->version != kVersion) return damaged("was written by another version");
  if (parts->payload.size() != parts->length) return damaged("is damaged: its length is wrong");
  if (sha256(parts->payload) != parts->digest) return damaged("is damaged: its checksum is wrong");
  auto documents = parse_json(parts->payload, kLimits);
  if (documents.error) return damaged("cannot be parsed");
  try {
    auto content = from_json(documents.all.at(0));
    on_disk_ = parts->digest;
    return content;
  } catch (const json::exception&) {
    return damaged("does not hold what its version promises");
  }
}

Status LastGoodFile::save(const LastGood& content) {
  const auto payload = to_json(content).dump(-1, ' ', false, json::error_handler_t::replace);
  auto digest = sha256(payload);
  if (!digest.empty() && digest == on_disk_) return {};
  const auto head = std::string{kMagic} + ' ' + std::to_string(kVersion) + ' ' +
                    std::to_string(payload.size()) + ' ' + digest + '\n';
  auto written = write_atomically(folder_, head, payload);
  on_disk_ = written ? std::move(digest) : std::string{};
  return written;
}

}  // namespace vipra::source
