#include "report/report_client.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <utility>

#include "base/backoff.hpp"
#include "base/check.hpp"
#include "base/ip_address.hpp"
#include "report/report_stream.hpp"
#include "report/utf8.hpp"
#include "runtime/strand.hpp"

namespace vipra::report {
namespace {

constexpr std::size_t kMaxToken = 16 << 10;

// "ipv4:192.0.2.1:9443" or "ipv6:[2001:db8::1]:9443"; none for what is no literal address with a port.
std::optional<std::string> grpc_target(const std::string& endpoint) {
  const auto colon = endpoint.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = endpoint.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(port) < 1 || std::stoi(port) > 65535) {
    return std::nullopt;
  }
  auto host = endpoint.substr(0, colon);
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address || address->is_v4() == brackets) return std::nullopt;
  return brackets ? "ipv6:[" + host + "]:" + port : "ipv4:" + host + ":" + port;
}

Result<std::string> read_token(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return fail(Errc::kNotFound, "cannot read the token " + path);
  std::string token(kMaxToken + 1, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(file.gcount()));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.empty() || token.size() > kMaxToken || !printable)
    return fail(Errc::kInvalid, "no token in " + path);
  return token;
}

}  // namespace

// Everything but what `mutex` guards is the strand's.
struct ReportClient::Running {
  struct Link {
    std::string target;
    std::shared_ptr<ReportStream> stream;  // open or being dialled
    std::optional<Backoff> backoff;
    std::uint64_t turn = 0;  // timers of an earlier one do nothing
    bool waiting = false;    // for its next try
    std::optional<std::string> said;
    Endpoint shown;
  };

  explicit Running(Options given) : options{std::move(given)} {}

  Backoff new_backoff() const { return {options.first_retry, options.last_retry}; }

  void replace(const std::map<std::string, std::string>& wanted) {
    for (auto at = links.begin(); at != links.end();) {
      if (wanted.contains(at->first)) {
        ++at;
        continue;
      }
      if (at->second.stream != nullptr) at->second.stream->close();
      at = links.erase(at);
    }
    for (const auto& [endpoint, target] : wanted) {
      auto [at, is_new] = links.try_emplace(endpoint);
      if (!is_new) continue;
      at->second.target = target;
      at->second.shown.address = endpoint;
      at->second.turn = ++turns;
      at->second.backoff = new_backoff();
      dial(endpoint);
    }
    show();
  }

  Link* link(const std::string& endpoint, std::uint64_t turn) {
    const auto found = links.find(endpoint);
    return found == links.end() || found->second.turn != turn ? nullptr : &found->second;
  }

  void dial(const std::string& endpoint) {
    Link& link = links.at(endpoint);
    if (link.stream != nullptr || ca.empty() || latest == nullptr) return;
    auto token = read_token(options.token_file);
    link.turn = ++turns;
    link.waiting = false;
    ++link.shown.attempts;
    if (!token) {
      over(endpoint, link.turn, tl::unexpected{token.error()});
      return;
    }
    const auto turn = link.turn;
    ReportStream::Handlers handlers{
        .on_ack = [this, endpoint, turn](std::uint64_t sequence) { acknowledged(endpoint, turn, sequence); },
        .on_end = [this, endpoint, turn](vipra::Status why) { over(endpoint, turn, std::move(why)); }};
    link.stream = std::make_shared<ReportStream>(Dial{endpoint, link.target, ca, std::move(*token)}, options,
                                                 std::move(handlers), strand);
    link.stream->open();
    link.stream->offer(latest);
    watch_token(endpoint, turn);
    show();
  }

  void acknowledged(const std::string& endpoint, std::uint64_t turn, std::uint64_t sequence) {
    Link* found = link(endpoint, turn);
    if (found == nullptr) return;
    found->backoff = new_backoff();
    found->shown.accepted = true;
    found->shown.acknowledged = sequence;
    found->shown.error.clear();
    say(*found, {});
    show();
  }

  void over(const std::string& endpoint, std::uint64_t turn, vipra::Status why) {
    Link* found = link(endpoint, turn);
    if (found == nullptr) return;
    found->stream.reset();
    found->shown.accepted = false;
    found->shown.error = why.error().what;
    say(*found, std::move(why));
    show();
    found->waiting = true;
    const auto wait = found->backoff->next(std::uniform_real_distribution<double>{}(random));
    strand->after(wait, [this, endpoint, turn] {
      if (link(endpoint, turn) != nullptr) dial(endpoint);
    });
  }

  // A new token means a new stream, before the old one's token expires.
  void watch_token(const std::string& endpoint, std::uint64_t turn) {
    strand->after(options.token_check, [this, endpoint, turn] {
      Link* found = link(endpoint, turn);
      if (found == nullptr || found->stream == nullptr) return;
      const auto token = read_token(options.token_file);
      if (token && *token != found->stream->token()) {
        found->stream->close();
        found->stream.reset();
        dial(endpoint);
      } else {
        watch_token(endpoint, turn);
      }
    });
  }

  // Once for each change of mind.
  void say(Link& link, vipra::Status status) {
    const std::string text = status ? "" : status.error().what;
    if (link.said == text) return;
    link.said = text;
    if (options.on_change) options.on_change(link.shown.address, status);
  }

  // `at_once`: also those that would wait.
  void dial_all(bool at_once) {
    for (const auto& [endpoint, link] : links) {
      if (at_once || !link.waiting) dial(endpoint);
    }
  }

  void offer_latest() {
    {
      const std::lock_guard lock{mutex};
      latest = published;
      offer_posted = false;
    }
    for (const auto& [endpoint, link] : links) {
      if (link.stream != nullptr) link.stream->offer(latest);
    }
    dial_all(false);  // those that waited for a first report
  }

  void close_all() {
    for (const auto& [endpoint, link] : links) {
      if (link.stream != nullptr) link.stream->close();
    }
    links.clear();
    show();
  }

  void show() {
    std::vector<Endpoint> out;
    for (const auto& [endpoint, link] : links) out.push_back(link.shown);
    const std::lock_guard lock{mutex};
    shown = std::move(out);
  }

  const Options options;
  const std::shared_ptr<runtime::Strand> strand = std::make_shared<runtime::Strand>();
  std::mt19937_64 random{std::random_device{}()};
  std::map<std::string, Link> links;
  std::uint64_t turns = 0;
  std::string ca;
  std::shared_ptr<const v1::NodeReport> latest;

  mutable std::mutex mutex;
  std::shared_ptr<const v1::NodeReport> published;
  bool offer_posted = false;
  std::vector<Endpoint> shown;
};

ReportClient::ReportClient(Options options) : running_{std::make_unique<Running>(std::move(options))} {}

ReportClient::~ReportClient() {
  stop();
}

Status ReportClient::set_endpoints(const std::vector<std::string>& endpoints) {
  std::map<std::string, std::string> wanted;
  std::optional<std::string> bad;
  for (const auto& endpoint : std::set<std::string>{endpoints.begin(), endpoints.end()}) {
    const auto target = grpc_target(endpoint);
    if (!target) bad = endpoint.substr(0, 64);
    if (target && wanted.size() < running_->options.max_endpoints) wanted.emplace(endpoint, *target);
  }
  running_->strand->post([running = running_.get(), wanted] { running->replace(wanted); });
  if (bad) return fail(Errc::kInvalid, "no literal address with a port: " + *bad);
  return {};
}

void ReportClient::set_ca(std::string pem) {
  running_->strand->post([running = running_.get(), ca = std::move(pem)]() mutable {
    running->ca = std::move(ca);
    running->dial_all(true);
  });
}

void ReportClient::publish(std::shared_ptr<const v1::NodeReport> report) {
  VIPRA_CHECK(report != nullptr);
  if (!all_strings_utf8(*report)) {
    auto repaired = std::make_shared<v1::NodeReport>(*report);
    repair_strings(*repaired);
    report = std::move(repaired);
  }
  {
    const std::lock_guard lock{running_->mutex};
    running_->published = std::move(report);
    if (std::exchange(running_->offer_posted, true)) return;
  }
  running_->strand->post([running = running_.get()] { running->offer_latest(); });
}

std::vector<ReportClient::Endpoint> ReportClient::endpoints() const {
  const std::lock_guard lock{running_->mutex};
  return running_->shown;
}

void ReportClient::stop() {
  running_->strand->post([running = running_.get()] { running->close_all(); });
  running_->strand->stop();
}

}  // namespace vipra::report
