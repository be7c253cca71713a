#include "kube/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace vipra::kube {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio reader_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

Certificate next_certificate(const Bio& bio) {
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

// A key with a passphrase would ask the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

Status trust(ssl_ctx_st* context, const std::string& pem) {
  auto* store = SSL_CTX_get_cert_store(context);
  const auto bio = reader_of(pem);
  int count = 0;
  while (const auto certificate = next_certificate(bio))
    count += X509_STORE_add_cert(store, certificate.get());
  ERR_clear_error();
  if (count == 0) return fail(Errc::kInvalid, "no certificate in the authorities of the API server");
  return {};
}

Status show(ssl_ctx_st* context, const std::string& certificates, const std::string& key_text) {
  const auto bio = reader_of(certificates);
  const auto leaf = next_certificate(bio);
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return fail(Errc::kInvalid, "the client certificate is none");
  SSL_CTX_clear_chain_certs(context);
  while (const auto link = next_certificate(bio)) SSL_CTX_add1_chain_cert(context, link.get());
  ERR_clear_error();
  const auto key_bio = reader_of(key_text);
  const Key key{PEM_read_bio_PrivateKey(key_bio.get(), nullptr, &no_passphrase, nullptr), &EVP_PKEY_free};
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(Errc::kInvalid, "the client key is none, or not the certificate's");
  }
  return {};
}

}  // namespace

Status set_up_tls(ssl_ctx_st* context, const Access& access) {
  SSL_CTX_set_cert_store(context, X509_STORE_new());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  auto ca = access.ca.read();
  if (!ca) return tl::unexpected{std::move(ca.error())};
  if (auto done = trust(context, *ca); !done) return done;
  if (access.client_certificate.empty()) return {};
  auto certificate = access.client_certificate.read();
  if (!certificate) return tl::unexpected{std::move(certificate.error())};
  auto key = access.client_key.read();
  if (!key) return tl::unexpected{std::move(key.error())};
  return show(context, *certificate, *key);
}

}  // namespace vipra::kube
