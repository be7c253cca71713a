// The certificate that this replica serves with, and the CA that the agents are told.
//
// The certificate lives in one Secret. Who wants to give one (cert-manager, say) writes tls.crt, tls.key and
// ca.crt there. One that is empty is filled with a certificate that is made here, marked as such, and renewed
// after two thirds of its time; all replicas use what the Secret holds, and whoever comes first makes it. The
// CA goes into a ConfigMap; an older one stays in it beside the new one until it expires, because the agents
// learn of the new one later than the server.
//
// Threading: everything on the thread of the io_context. `client` and `log` must outlive it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "kube/client.hpp"
#include "kube/reflector.hpp"

namespace vipra::certs {
struct ServingCertificate;
}  // namespace vipra::certs

namespace vipra::controller {

class CertificateKeeper {
 public:
  struct Options {
    std::string name_space;
    std::string secret;
    std::string config_map;
    std::string dns_name;
    std::chrono::seconds validity{std::chrono::hours{24 * 90}};
  };
  // A usable pair: at first, and after each rotation.
  using OnCertificate = std::function<void(const std::string& chain_pem, const std::string& key_pem)>;

  CertificateKeeper(boost::asio::io_context& io, kube::Client& client, Options options,
                    const log::Logger& log, OnCertificate on_certificate);
  ~CertificateKeeper();
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;

  void start();
  void stop();

  // Of the certificate in use; 0 before there is one.
  [[nodiscard]] std::int64_t not_after_unix() const noexcept { return not_after_; }

 private:
  void on_secret();
  void use(const std::string& chain, const std::string& key, const std::string& ca);
  void make_one(const kube::ObjectPtr& secret);
  void write_secret(const kube::ObjectPtr& secret, const certs::ServingCertificate& made);
  // Adds `ca` to what the ConfigMap says, where it is not in it; `done` comes when it is there.
  void tell_ca(const std::string& ca, const std::function<void()>& done);
  void look_again(Duration wait);

  kube::Client& client_;
  const Options options_;
  const log::Logger& log_;
  OnCertificate on_certificate_;
  kube::Reflector secrets_;
  kube::Reflector config_maps_;
  boost::asio::steady_timer timer_;
  Backoff backoff_{std::chrono::milliseconds{200}, std::chrono::seconds{30}};
  std::string chain_;
  std::string key_;
  std::string ca_;
  std::int64_t not_after_ = 0;
  bool writing_secret_ = false;
  bool writing_ca_ = false;
  bool running_ = false;
};

}  // namespace vipra::controller
