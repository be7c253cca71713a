// TLS credentials of a server whose certificate may be replaced while it runs, from memory. gRPC asks for it
// at each handshake. Internal to this module.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace vipra::collect {

// Thread-safe.
class CertificateStore {
 public:
  CertificateStore();
  ~CertificateStore();
  void set(std::string chain_pem, std::string key_pem);
  [[nodiscard]] bool empty() const;

  struct State;
  [[nodiscard]] const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

// Must outlive every server that it was given to.
[[nodiscard]] std::shared_ptr<grpc::ServerCredentials> rotating_credentials(const CertificateStore& store);

}  // namespace vipra::collect
