#include "controller/certificate_keeper.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "certs/serving_certificate.hpp"
#include "controller/base64.hpp"
#include "controller/status_writer.hpp"
#include "kube/health_log.hpp"
#include "kube_core/json_access.hpp"
#include "runtime/clock.hpp"

namespace vipra::controller {
namespace {

using kube::member;
using kube::text;
using nlohmann::json;

constexpr const char* kSelfMade = "vipra.dev/self-made";
constexpr const char* kChain = "tls.crt";
constexpr const char* kKey = "tls.key";
constexpr const char* kCa = "ca.crt";
constexpr Duration kLongestSleep = std::chrono::hours{1};

std::int64_t now_unix() {
  return runtime::unix_now_ns() / 1'000'000'000;
}

kube::Resource secrets(const std::string& name_space) {
  return {"", "v1", "secrets", name_space};
}
kube::Resource config_maps(const std::string& name_space) {
  return {"", "v1", "configmaps", name_space};
}

std::string secret_value(const kube::Object& secret, const char* key) {
  return decoded_base64(text(member(secret.json, "data"), key)).value_or("");
}

bool is_self_made(const kube::Object& secret) {
  return text(member(member(secret.json, "metadata"), "annotations"), kSelfMade) == "true";
}

}  // namespace

CertificateKeeper::CertificateKeeper(boost::asio::io_context& io, kube::Client& client, Options options,
                                     const log::Logger& log, OnCertificate on_certificate)
    : client_{client},
      options_{std::move(options)},
      log_{log},
      on_certificate_{std::move(on_certificate)},
      secrets_{io, client, kube::only_object(secrets(options_.name_space), options_.secret)},
      config_maps_{io, client, kube::only_object(config_maps(options_.name_space), options_.config_map)},
      timer_{io} {}

CertificateKeeper::~CertificateKeeper() {
  stop();
}

void CertificateKeeper::start() {
  running_ = true;
  const auto log_health = [this](const char* resource) {
    return [this, resource](const source::Health& health) {
      kube::log_health(log_, resource, client_.server(), health);
    };
  };
  secrets_.start([this](const kube::Delta&) { on_secret(); }, log_health("secrets"));
  config_maps_.start(
      [this](const kube::Delta&) {
        if (!ca_.empty()) tell_ca(ca_, {});
      },
      log_health("configmaps"));
}

void CertificateKeeper::stop() {
  if (!std::exchange(running_, false)) return;
  timer_.cancel();
  secrets_.stop();
  config_maps_.stop();
}

void CertificateKeeper::look_again(Duration wait) {
  timer_.expires_after(std::min(wait, kLongestSleep));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && running_) on_secret();
  });
}

void CertificateKeeper::on_secret() {
  if (!running_ || writing_secret_ || !secrets_.synced()) return;
  const auto& objects = secrets_.objects();
  if (objects.empty()) {
    log_.warning("certificate.no_secret", {{"secret", options_.name_space + "/" + options_.secret},
                                           {"action", "create it, empty: the chart does"}});
    return;
  }
  const auto& object = objects.begin()->second;
  const auto& secret = *object;
  const auto chain = secret_value(secret, kChain);
  const auto key = secret_value(secret, kKey);
  const bool ours_to_write = is_self_made(secret) || (chain.empty() && key.empty());
  const auto usable = certs::check_serving_certificate(chain, key, options_.dns_name, now_unix());
  if (usable) use(chain, key, secret_value(secret, kCa));
  if (!ours_to_write) {
    if (!usable) {
      log_.error("certificate.unusable",
                 {{"secret", options_.name_space + "/" + options_.secret},
                  {"error", usable.error().what},
                  {"consequence", chain_.empty() ? "no report is taken" : "the one before stays in use"}});
    }
    return;
  }
  const auto info = usable ? certs::inspect_certificate(chain) : tl::unexpected{usable.error()};
  const auto renew = info ? certs::renewal_time(*info) - now_unix() : 0;
  if (renew > 0) return look_again(std::chrono::seconds{renew});
  make_one(object);
}

void CertificateKeeper::use(const std::string& chain, const std::string& key, const std::string& ca) {
  const bool changed = chain != chain_ || key != key_;
  chain_ = chain;
  key_ = key;
  ca_ = ca;
  if (!ca_.empty()) {
    tell_ca(ca_, {});
  } else if (changed) {
    log_.warning("certificate.no_ca", {{"secret", options_.name_space + "/" + options_.secret},
                                       {"consequence", "agents know only the authorities in the ConfigMap"},
                                       {"action", "put the authority of the certificate there, as ca.crt"}});
  }
  if (!changed) return;
  const auto info = certs::inspect_certificate(chain);
  not_after_ = info ? info->not_after_unix : 0;
  log_.info("certificate.loaded", {{"not_after_unix", not_after_}, {"dns_name", options_.dns_name}});
  on_certificate_(chain_, key_);
}

void CertificateKeeper::make_one(const kube::ObjectPtr& secret) {
  if (writing_ca_) return look_again(backoff_.next(0.5));
  certs::CertificateRequest request;
  request.dns_names = {options_.dns_name, options_.dns_name + ".cluster.local"};
  request.now_unix = now_unix();
  request.validity = options_.validity;
  const auto made = certs::make_serving_certificate(request);
  if (!made) {
    log_.error("certificate.not_made", {{"error", made.error().what}});
    return look_again(backoff_.next(0.5));
  }
  writing_secret_ = true;
  // The agents learn of the CA before anybody serves with it.
  tell_ca(made->ca_pem, [this, secret, made = *made] { write_secret(secret, made); });
  if (!writing_ca_) {
    writing_secret_ = false;  // the ConfigMap is not known yet; it will come, or its trouble is logged
    look_again(backoff_.next(0.5));
  }
}

void CertificateKeeper::write_secret(const kube::ObjectPtr& secret, const certs::ServingCertificate& made) {
  auto body = secret->json;
  body["apiVersion"] = "v1";
  body["kind"] = "Secret";
  body["metadata"]["resourceVersion"] = secret->resource_version;
  body["metadata"]["annotations"][kSelfMade] = "true";
  body["data"] = {{kChain, encoded_base64(made.chain_pem)},
                  {kKey, encoded_base64(made.key_pem)},
                  {kCa, encoded_base64(made.ca_pem)}};
  client_.replace(
      secrets(options_.name_space), options_.secret, body.dump(), [this](const kube::Answer& answer) {
        writing_secret_ = false;
        if (!running_) return;
        // Whoever was first, the watch brings what is there now; a 409 is another replica's work.
        if (answer.ok()) {
          backoff_.reset();
          log_.info("certificate.made", {{"secret", options_.name_space + "/" + options_.secret}});
        } else if (answer.status != 409) {
          log_.warning("certificate.not_written", {{"error", answer.message}});
        }
        look_again(backoff_.next(0.5));
      });
}

void CertificateKeeper::tell_ca(const std::string& ca, const std::function<void()>& done) {
  if (!running_ || writing_ca_ || !config_maps_.synced()) return;
  const auto& objects = config_maps_.objects();
  const auto told =
      objects.empty() ? std::string{} : text(member(objects.begin()->second->json, "data"), kCa);
  const auto merged = certs::merge_ca_bundles(ca, told, now_unix());
  if (!merged) {
    log_.error("certificate.ca_unusable", {{"error", merged.error().what}});
    return;
  }
  if (!done && *merged == told) return;
  const json body{{"apiVersion", "v1"},
                  {"kind", "ConfigMap"},
                  {"metadata", {{"name", options_.config_map}, {"namespace", options_.name_space}}},
                  {"data", {{kCa, *merged}}}};
  kube::ApplyOptions apply;
  apply.field_manager = kFieldManager;
  writing_ca_ = true;
  client_.apply(config_maps(options_.name_space), options_.config_map, apply, body.dump(),
                [this, done](const kube::Answer& answer) {
                  writing_ca_ = false;
                  if (!running_) return;
                  if (answer.ok()) {
                    if (done) done();
                    return;
                  }
                  if (done) writing_secret_ = false;
                  log_.warning("certificate.ca_not_written", {{"error", answer.message}});
                  look_again(backoff_.next(0.5));
                });
}

}  // namespace vipra::controller
