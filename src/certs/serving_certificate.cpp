#include "certs/serving_certificate.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace vipra::certs {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<&BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Freed<&X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Freed<&X509_EXTENSION_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, Freed<&BN_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<&GENERAL_NAMES_free>>;

constexpr std::size_t kMaxNames = 32;
constexpr std::size_t kMaxPem = 256 << 10;
constexpr std::size_t kMaxCas = 16;
constexpr std::int64_t kBackdated = 300;  // for clocks that disagree
constexpr int kSerialBytes = 16;

tl::unexpected<Error> openssl_failed(const char* what) {
  const auto code = ERR_get_error();
  std::array<char, 160> text{};
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return fail(Errc::kIo, std::string{what} + ": " + text.data());
}

bool is_dns_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*") ==
             std::string::npos;
}

BioPtr reader(const std::string& pem) {
  return BioPtr{BIO_new_mem_buf(pem.data(), static_cast<int>(std::min(pem.size(), kMaxPem)))};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string{data, static_cast<std::size_t>(size)} : std::string{};
}

std::string pem_of(X509* certificate) {
  const BioPtr bio{BIO_new(BIO_s_mem())};
  return bio != nullptr && PEM_write_bio_X509(bio.get(), certificate) == 1 ? text_of(bio.get()) : "";
}

std::string pem_of(EVP_PKEY* key) {
  const BioPtr bio{BIO_new(BIO_s_mem())};
  const bool written =
      bio != nullptr && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  return written ? text_of(bio.get()) : "";
}

std::vector<CertPtr> read_certificates(const std::string& pem, std::size_t max) {
  std::vector<CertPtr> out;
  const auto bio = reader(pem);
  while (bio != nullptr && out.size() < max) {
    CertPtr certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)};
    if (certificate == nullptr) break;
    out.push_back(std::move(certificate));
  }
  ERR_clear_error();
  return out;
}

bool add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension{X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str())};
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), kSerialBytes) != 1) return false;
  bytes[0] &= 0x7fU;
  bytes[0] |= 0x01U;
  const BignumPtr number{BN_bin2bn(bytes.data(), kSerialBytes, nullptr)};
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

struct Draft {
  CertPtr certificate{X509_new()};
  KeyPtr key{EVP_EC_gen("P-256")};
};

bool fill_in(Draft& draft, const std::string& name, const CertificateRequest& request) {
  X509* certificate = draft.certificate.get();
  if (certificate == nullptr || draft.key == nullptr || !set_serial(certificate)) return false;
  X509_NAME* subject = X509_get_subject_name(certificate);
  // A common name has at most 64 characters.
  const std::string common = name.substr(0, 64);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common.data()),
                                    static_cast<int>(common.size()), -1, 0) == 1 &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), request.now_unix - kBackdated) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), request.now_unix + request.validity.count()) !=
             nullptr &&
         X509_set_pubkey(certificate, draft.key.get()) == 1;
}

bool finish_ca(Draft& ca) {
  X509* certificate = ca.certificate.get();
  return X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
         add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
         add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
         X509_sign(certificate, ca.key.get(), EVP_sha256()) > 0;
}

bool finish_leaf(Draft& leaf, const Draft& ca, const CertificateRequest& request) {
  X509* certificate = leaf.certificate.get();
  X509* issuer = ca.certificate.get();
  std::string names;
  for (const auto& name : request.dns_names) names.append(names.empty() ? "DNS:" : ",DNS:").append(name);
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, issuer, NID_subject_alt_name, names) &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
         X509_sign(certificate, ca.key.get(), EVP_sha256()) > 0;
}

std::optional<std::int64_t> unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts));
}

std::vector<std::string> dns_names_of(X509* certificate) {
  std::vector<std::string> out;
  const NamesPtr names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count && out.size() < kMaxNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = name->d.dNSName;
    out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return out;
}

}  // namespace

Result<ServingCertificate> make_serving_certificate(const CertificateRequest& request) {
  const auto& names = request.dns_names;
  if (names.empty() || names.size() > kMaxNames || !std::all_of(names.begin(), names.end(), is_dns_name))
    return fail(Errc::kInvalid, "1 to 32 DNS names are needed");
  if (request.validity <= std::chrono::seconds{0} || request.validity > std::chrono::hours{24 * 3650})
    return fail(Errc::kInvalid, "a certificate is valid for 1 s to ten years");
  Draft ca, leaf;
  if (!fill_in(ca, "vipra-controller CA", request) || !finish_ca(ca))
    return openssl_failed("cannot make a CA");
  if (!fill_in(leaf, names.front(), request) || !finish_leaf(leaf, ca, request))
    return openssl_failed("cannot make a certificate");
  ServingCertificate out{pem_of(ca.certificate.get()), pem_of(leaf.certificate.get()),
                         pem_of(leaf.key.get())};
  if (out.ca_pem.empty() || out.chain_pem.empty() || out.key_pem.empty())
    return openssl_failed("cannot write a certificate");
  return out;
}

Result<CertificateInfo> inspect_certificate(const std::string& pem) {
  const auto certificates = read_certificates(pem, 1);
  if (certificates.empty()) return fail(Errc::kInvalid, "there is no certificate in the PEM text");
  X509* certificate = certificates.front().get();
  const auto from = unix_time(X509_get0_notBefore(certificate));
  const auto until = unix_time(X509_get0_notAfter(certificate));
  if (!from || !until) return fail(Errc::kInvalid, "the certificate has no readable time");
  return CertificateInfo{*from, *until, dns_names_of(certificate)};
}

Status check_serving_certificate(const std::string& chain_pem, const std::string& key_pem,
                                 const std::string& dns_name, std::int64_t now_unix) {
  const auto info = inspect_certificate(chain_pem);
  if (!info) return tl::unexpected{info.error()};
  if (now_unix < info->not_before_unix) return fail(Errc::kInvalid, "the certificate is not valid yet");
  if (now_unix >= info->not_after_unix) return fail(Errc::kInvalid, "the certificate has expired");
  const auto certificates = read_certificates(chain_pem, 1);
  if (X509_check_host(certificates.front().get(), dns_name.data(), dns_name.size(), 0, nullptr) != 1)
    return fail(Errc::kInvalid, "the certificate is not for " + dns_name);
  const auto bio = reader(key_pem);
  // No password: a key that wants one is refused, and nobody is asked for it on a terminal.
  char no_password[] = "";
  const KeyPtr key{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_password)};
  const bool fits = key != nullptr && X509_check_private_key(certificates.front().get(), key.get()) == 1;
  ERR_clear_error();
  if (!fits) return fail(Errc::kInvalid, "the key does not belong to the certificate");
  return {};
}

Result<std::string> merge_ca_bundles(const std::string& newer, const std::string& older,
                                     std::int64_t now_unix) {
  std::string out;
  std::set<std::string> seen;
  for (const auto* pem : {&newer, &older}) {
    for (const auto& certificate : read_certificates(*pem, kMaxCas)) {
      const auto until = unix_time(X509_get0_notAfter(certificate.get()));
      if (!until || *until <= now_unix || seen.size() == kMaxCas) continue;
      const auto text = pem_of(certificate.get());
      if (seen.insert(text).second) out += text;
    }
  }
  if (out.empty()) return fail(Errc::kInvalid, "there is no valid certificate in either bundle");
  return out;
}

std::int64_t renewal_time(const CertificateInfo& info) {
  return info.not_before_unix + (info.not_after_unix - info.not_before_unix) / 3 * 2;
}

}  // namespace vipra::certs
