#include "lab/kube/authority.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "lab/kube/files.hpp"

namespace vipra::lab::kube {
namespace {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

tl::unexpected<Error> fail_openssl(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  return fail(Errc::kIo, what + ": " + text.data());
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Bio readable(const std::string& pem) {
  return Bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
}

Key make_key() {
  return Key{EVP_EC_gen("P-256")};
}

std::string secret_pem(EVP_PKEY* key) {
  const Bio bio{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

std::string certificate_pem(X509* certificate) {
  const Bio bio{BIO_new(BIO_s_mem())};
  PEM_write_bio_X509(bio.get(), certificate);
  return text_of(bio);
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_name(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

// Everything but issuer, extensions and signature.
Certificate prepare(const CertificateRequest& request, EVP_PKEY* key) {
  Certificate made{X509_new()};
  std::array<unsigned char, 16> serial{};
  RAND_bytes(serial.data(), static_cast<int>(serial.size()));
  serial[0] &= 0x7fU;
  BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get()));
  BN_free(number);
  X509_set_version(made.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), static_cast<long>(request.valid_from.count()));
  X509_gmtime_adj(X509_getm_notAfter(made.get()), static_cast<long>(request.valid_until.count()));
  X509_set_pubkey(made.get(), key);
  X509_NAME* subject = X509_get_subject_name(made.get());
  for (const auto& organization : request.organizations) add_name(subject, "O", organization);
  add_name(subject, "CN", request.common_name);
  return made;
}

std::string alternative_names(const CertificateRequest& request) {
  std::string names;
  const auto add = [&](const std::string& name) { names += (names.empty() ? "" : ",") + name; };
  for (const auto& name : request.dns_names) add("DNS:" + name);
  for (const auto& address : request.addresses) add("IP:" + address.to_string());
  return names;
}

}  // namespace

Result<Authority> Authority::make(const std::string& common_name) {
  const auto key = make_key();
  if (!key) return fail_openssl("make a key");
  const auto certificate =
      prepare({.common_name = common_name, .valid_until = std::chrono::hours{24 * 30}}, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  const bool done =
      add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash") &&
      X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0;
  if (!done) return fail_openssl("make the certificate of " + common_name);
  return Authority{KeyPair{certificate_pem(certificate.get()), secret_pem(key.get())}};
}

Result<KeyPair> Authority::issue(const CertificateRequest& request) const {
  const Bio own_certificate = readable(own_.certificate);
  const Bio own_key = readable(own_.key);
  const Certificate issuer{PEM_read_bio_X509(own_certificate.get(), nullptr, nullptr, nullptr)};
  const Key issuer_key{PEM_read_bio_PrivateKey(own_key.get(), nullptr, nullptr, nullptr)};
  const auto key = make_key();
  if (!issuer || !issuer_key || !key) return fail_openssl("make a key");
  const auto certificate = prepare(request, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  const auto names = alternative_names(request);
  const bool done =
      add_extension(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") &&
      add_extension(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid") &&
      (names.empty() || add_extension(certificate.get(), issuer.get(), NID_subject_alt_name, names)) &&
      X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0;
  if (!done) return fail_openssl("make the certificate of " + request.common_name);
  return KeyPair{certificate_pem(certificate.get()), secret_pem(key.get())};
}

Result<SigningKey> make_signing_key() {
  const auto key = make_key();
  if (!key) return fail_openssl("make a key");
  const Bio bio{BIO_new(BIO_s_mem())};
  if (PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1) return fail_openssl("write a public key");
  return SigningKey{secret_pem(key.get()), text_of(bio)};
}

Status write_key_pair(const std::filesystem::path& stem, const KeyPair& pair) {
  if (const auto done = write_file(stem.string() + ".crt", pair.certificate, 0644); !done) return done;
  return write_file(stem.string() + ".key", pair.key, 0600);
}

}  // namespace vipra::lab::kube
