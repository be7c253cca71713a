// A client on a loop that is turned until something has come true, and servers for it to talk to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/client.hpp"
#include "tests/kube/fake_api_server.hpp"

namespace vipra::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class KubeTest : public testing::Test {
 protected:
  KubeTest() {
    ::setenv("SSL_CERT_FILE", "/dev/null", 1);  // whatever this machine says
    EXPECT_TRUE(kube::start_transport());
    auto name = (fs::temp_directory_path() / "vipra-kube-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    write("ca.crt", authority.certificate());
    write("token", "first-token\n");
  }
  ~KubeTest() override {
    client.reset();
    servers.clear();
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  fs::path write(const std::string& name, const std::string& text) {
    const auto path = folder / name;
    const auto fresh = folder / (name + ".new");
    std::ofstream{fresh} << text;
    fs::rename(fresh, path);
    return path;
  }

  FakeApiServer& serve(FakeApiServer::Handler handler, const std::string& address = "127.0.0.1",
                       std::uint16_t port = 0) {
    servers.push_back(std::make_unique<FakeApiServer>(
        authority.issue("server", {"IP:" + address, "DNS:api.example"}), std::move(handler), address, port));
    access.servers.push_back({address, servers.back()->port(), {}});
    return *servers.back();
  }
  // A port of the loopback address on which nobody listens, and on which nobody else will for a while.
  std::uint16_t dead_port() {
    boost::asio::ip::tcp::acceptor holder{loop};
    holder.open(boost::asio::ip::tcp::v4());
    holder.bind({boost::asio::ip::make_address("127.0.0.1"), 0});
    const auto port = holder.local_endpoint().port();
    holders.push_back(std::move(holder));  // bound, not listening: connections are refused
    return port;
  }

  kube::Client& connect() {
    access.ca.file = folder / "ca.crt";
    if (access.token.empty()) access.token.file = folder / "token";
    client = std::make_unique<kube::Client>(loop, access);
    return *client;
  }

  template <class Condition>
  [[nodiscard]] bool eventually(Condition condition, std::chrono::milliseconds within = 20s) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      if (loop.stopped()) loop.restart();
      loop.run_one_for(10ms);
    }
    return true;
  }
  void turn_for(std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    (void)eventually([&] { return std::chrono::steady_clock::now() >= deadline; }, time + 1s);
  }

  kube::Answer get(const std::string& path = "/version", kube::CallOptions options = {}) {
    std::optional<kube::Answer> out;
    client->get(path, [&](kube::Answer answer) { out = std::move(answer); }, options);
    EXPECT_FALSE(out) << "called back from inside the call";
    EXPECT_TRUE(eventually([&] { return out.has_value(); }));
    return out.value_or(kube::Answer{});
  }

  Authority authority{"ours"};
  fs::path folder;
  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  std::vector<boost::asio::ip::tcp::acceptor> holders;
  std::vector<std::unique_ptr<FakeApiServer>> servers;
  kube::Access access;
  std::unique_ptr<kube::Client> client;
};

}  // namespace vipra::test
