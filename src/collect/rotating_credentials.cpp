#include "collect/rotating_credentials.hpp"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <cstdint>
#include <mutex>
#include <utility>

namespace vipra::collect {

struct CertificateStore::State {
  std::mutex mutex;
  std::string chain;
  std::string key;
  std::uint64_t generation = 0;
};

CertificateStore::CertificateStore() : state_{std::make_shared<State>()} {}
CertificateStore::~CertificateStore() = default;

void CertificateStore::set(std::string chain_pem, std::string key_pem) {
  const std::lock_guard lock{state_->mutex};
  if (state_->chain == chain_pem && state_->key == key_pem) return;
  state_->chain = std::move(chain_pem);
  state_->key = std::move(key_pem);
  ++state_->generation;
}

bool CertificateStore::empty() const {
  const std::lock_guard lock{state_->mutex};
  return state_->chain.empty();
}

namespace {

// The C++ classes of gRPC take certificates once, or from files that a thread looks at each second; the C
// interface below them asks at each handshake. So this class is gRPC's own SecureServerCredentials with that
// one difference.
class RotatingCredentials final : public grpc::ServerCredentials {
 public:
  explicit RotatingCredentials(std::shared_ptr<CertificateStore::State> state) : state_{std::move(state)} {
    auto* options = grpc_ssl_server_credentials_create_options_using_config_fetcher(
        GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, &RotatingCredentials::fetch, this);
    credentials_ = grpc_ssl_server_credentials_create_with_options(options);
  }
  ~RotatingCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status fetch(void* self,
                                                         grpc_ssl_server_certificate_config** config) {
    return static_cast<RotatingCredentials*>(self)->next(config);
  }

  grpc_ssl_certificate_config_reload_status next(grpc_ssl_server_certificate_config** config) {
    const std::lock_guard lock{state_->mutex};
    if (state_->generation == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    given_ = state_->generation;
    const grpc_ssl_pem_key_cert_pair pair{state_->key.c_str(), state_->chain.c_str()};
    // gRPC 1.51 wants roots here, even though no client is asked for a certificate.
    *config = grpc_ssl_server_certificate_config_create(state_->chain.c_str(), &pair, 1);
    return *config == nullptr ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL
                              : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  std::shared_ptr<CertificateStore::State> state_;
  std::uint64_t given_ = 0;  // under the state's mutex
  grpc_server_credentials* credentials_ = nullptr;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> rotating_credentials(const CertificateStore& store) {
  return std::make_shared<RotatingCredentials>(store.state());
}

}  // namespace vipra::collect
