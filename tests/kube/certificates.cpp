#include "tests/kube/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <memory>

#include "base/check.hpp"

namespace vipra::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Pem to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio first{BIO_new(BIO_s_mem()), &BIO_free};
  const Bio second{BIO_new(BIO_s_mem()), &BIO_free};
  VIPRA_CHECK(PEM_write_bio_X509(first.get(), certificate) == 1);
  VIPRA_CHECK(PEM_write_bio_PrivateKey(second.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {text_of(first), text_of(second)};
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  VIPRA_CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate begin(const std::string& name, EVP_PKEY* key) {
  static std::atomic<long> serial{1};
  Certificate out{X509_new(), &X509_free};
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(out.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), 24L * 3600);
  X509_set_pubkey(out.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return out;
}

}  // namespace

Authority::Authority(const std::string& name) {
  const Key key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  const auto certificate = begin(name, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  extend(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  VIPRA_CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  own_ = to_pem(certificate.get(), key.get());
}

Pem Authority::issue(const std::string& common_name, const std::vector<std::string>& names) const {
  const Bio certificate_text{BIO_new_mem_buf(own_.certificate.data(), -1), &BIO_free};
  const Bio key_text{BIO_new_mem_buf(own_.key.data(), -1), &BIO_free};
  const Certificate issuer{PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr), &X509_free};
  const Key issuer_key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
  const Key key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  const auto certificate = begin(common_name, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  std::string alternatives;
  for (const auto& name : names) alternatives += (alternatives.empty() ? "" : ",") + name;
  if (!alternatives.empty()) extend(certificate.get(), issuer.get(), NID_subject_alt_name, alternatives);
  VIPRA_CHECK(X509_sign(certificate.get(), issuer_key.get(), EVP_sha256()) > 0);
  return to_pem(certificate.get(), key.get());
}

}  // namespace vipra::test
