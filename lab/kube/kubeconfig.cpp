#include <openssl/evp.h>

#include "lab/kube/api_server.hpp"

namespace vipra::lab::kube {
namespace {

std::string base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

// JSON is YAML. Nothing here needs escaping: addresses, base64 and hexadecimal digits.
std::string make_kubeconfig(const std::string& url, const std::string& ca_pem, const std::string& token) {
  return R"({"apiVersion":"v1","kind":"Config","current-context":"lab",
 "clusters":[{"name":"lab","cluster":{"server":")" +
         url + R"(","certificate-authority-data":")" + base64(ca_pem) + R"("}}],
 "users":[{"name":"user","user":{"token":")" +
         token + R"("}}],
 "contexts":[{"name":"lab","context":{"cluster":"lab","user":"user"}}]}
)";
}

}  // namespace vipra::lab::kube
