// The Kubernetes client against a real API server: what the fake one only imitates.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "kube/kubernetes_source.hpp"
#include "kube/lease.hpp"
#include "runtime/clock.hpp"
#include "tests/cluster/api_fixture.hpp"

extern char** environ;

namespace vipra::lab::kube {
namespace {

namespace client = vipra::kube;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;
using Part = ApiServer::Part;

constexpr const char* kDefinition = R"yaml(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: virtualips.vipra.dev}
spec:
  group: vipra.dev
  scope: Cluster
  names: {kind: VirtualIP, plural: virtualips, singular: virtualip}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
)yaml";

std::string virtual_ip(const std::string& name, int vrid = 7) {
  return "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name +
         "}\nspec: {addresses: [192.0.2." + std::to_string(vrid) +
         "], vrrp: {virtualRouterID: " + std::to_string(vrid) + "}}\n";
}

// A loop that is turned until something has come true.
class Turned {
 public:
  template <class Condition>
  [[nodiscard]] bool eventually(Condition condition, std::chrono::milliseconds within = 40s) {
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
  boost::asio::io_context loop;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
};

client::LeaseOptions contender(const std::string& identity) {
  client::LeaseOptions out;
  out.name_space = "default";
  out.name = "leader";
  out.identity = identity;
  out.times = {4s, 500ms, 300ms, 1s};
  return out;
}

class KubeClientTest : public testing::Test, protected Turned {
 protected:
  static void SetUpTestSuite() { ASSERT_OK(client::start_transport()); }
  void SetUp() override {
    auto made = start_api({{"nobody", {}}});
    ASSERT_OK(made);
    api_ = std::move(*made);
    connect();
  }
  void TearDown() override {
    vips_.reset();
    client_.reset();
  }
  void connect(const std::string& user = "admin") {
    auto access = client::from_kubeconfig(api_->kubeconfig(user));
    ASSERT_OK(access);
    client_ = std::make_unique<client::Client>(loop, *access);
  }
  void define() {
    ASSERT_OK(api_->apply(kDefinition));
    ASSERT_TRUE(wait_until([&] { return api_->apply(virtual_ip("first")).has_value(); }, 30s));
  }
  void follow() {
    vips_ = std::make_unique<client::VirtualIpSource>(loop, *client_);
    vips_->start(
        [this](auto change) {
          names_.clear();
          ++yields_;
          for (const auto& object : std::get<0>(change).all.at(0)->objects)
            names_.push_back(object.json["metadata"]["name"].template get<std::string>());
        },
        [this](const source::Health& health) { health_ = health; });
  }
  client::Answer wait_for(const std::function<void(client::OnAnswer)>& call) {
    std::optional<client::Answer> out;
    call([&](client::Answer answer) { out = std::move(answer); });
    EXPECT_TRUE(eventually([&] { return out.has_value(); }));
    return out.value_or(client::Answer{});
  }
  client::Answer set_status(const std::string& body) {
    return wait_for([&](auto done) {
      client_->apply(client::virtual_ips(), "first", {"vipra-controller", true, "status"}, body, done);
    });
  }
  [[nodiscard]] bool unhealthy(Reason reason) {
    return eventually([&] { return health_ && !health_->readable && health_->reason == reason; });
  }
  [[nodiscard]] bool healthy() {
    return eventually([&] { return health_ && health_->readable; });
  }

  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<client::VirtualIpSource> vips_;
  std::vector<std::string> names_;
  int yields_ = 0;
  std::optional<source::Health> health_;
};

TEST_F(KubeClientTest, InitialEventsThenChangesAndAStatusIsNone) {
  define();
  follow();
  ASSERT_TRUE(eventually([&] { return yields_ == 1; }));
  EXPECT_THAT(names_, ElementsAre("first"));
  EXPECT_TRUE(healthy());
  ASSERT_OK(api_->apply(virtual_ip("second", 8)));
  ASSERT_TRUE(eventually([&] { return names_.size() == 2; }));
  const Json status{{"apiVersion", "vipra.dev/v1alpha1"},
                    {"kind", "VirtualIP"},
                    {"metadata", {{"name", "first"}}},
                    {"status", {{"owner", "node-a"}}}};
  const auto written = set_status(status.dump());
  ASSERT_TRUE(written.ok()) << written.message;
  const auto version = Json::parse(written.body)["metadata"]["resourceVersion"];
  const auto again = set_status(status.dump());
  EXPECT_EQ(Json::parse(again.body)["metadata"]["resourceVersion"], version)
      << "the same once more is no write";
  EXPECT_THAT(said(api_->kubectl({"get", "virtualip", "first", "-o", "jsonpath={.status.owner}"})), "node-a");
  ASSERT_EQ(said(api_->kubectl({"delete", "virtualip", "second"})).substr(0, 4), "virt");
  ASSERT_TRUE(eventually([&] { return names_.size() == 1; }));
  EXPECT_EQ(yields_, 3);
  // No list: the server has initial events.
  EXPECT_EQ(std::system(("grep -q sendInitialEvents " + api_->audit_log().string()).c_str()), 0);
}

TEST_F(KubeClientTest, AStaleStatusIsRefused) {
  define();
  const auto body = [](const std::string& owner, const std::string& version) {
    return Json{{"apiVersion", "vipra.dev/v1alpha1"},
                {"kind", "VirtualIP"},
                {"metadata", {{"name", "first"}, {"resourceVersion", version}}},
                {"status", {{"owner", owner}}}}
        .dump();
  };
  const auto got =
      wait_for([&](auto done) { client_->get(object_path(client::virtual_ips(), "first"), done); });
  ASSERT_TRUE(got.ok());
  const auto version = Json::parse(got.body)["metadata"]["resourceVersion"].get<std::string>();
  EXPECT_TRUE(set_status(body("a", version)).ok());
  EXPECT_EQ(set_status(body("b", version)).status, 409);
}

TEST_F(KubeClientTest, PagesAreJoined) {
  std::string manifest;
  for (int i = 0; i < 7; ++i)
    manifest += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c" + std::to_string(i) +
                ", namespace: default, labels: {set: pages}}\n";
  ASSERT_OK(api_->apply(manifest));
  client::ReflectorOptions options;
  options.resource = {"", "v1", "configmaps", "default"};
  options.label_selector = "set=pages";
  options.reflection.initial_events = false;
  options.reflection.page_limit = 3;
  client::Reflector reflector{loop, *client_, options};
  int first = 0;
  int changed = 0;
  reflector.start(
      [&](const client::Delta& delta) {
        if (delta.first) first = static_cast<int>(delta.first->size());
        changed += static_cast<int>(delta.upserted.size() + delta.removed.size());
      },
      [](const source::Health&) {});
  ASSERT_TRUE(eventually([&] { return first == 7; })) << first;
  ASSERT_EQ(said(api_->kubectl({"delete", "configmap", "c3"})).substr(0, 9), "configmap");
  ASSERT_TRUE(eventually([&] { return changed == 1; }));
  EXPECT_FALSE(reflector.objects().contains("default/c3"));
}

TEST_F(KubeClientTest, AnOldVersionIsGone) {
  define();
  client::WatchOptions options;
  options.resource_version = "1";
  // A server that has known the kind for a moment only may still say that it is not ready for it.
  std::optional<client::Answer> end;
  std::string lines;
  const auto says_gone = [&] {
    end.reset();
    lines.clear();
    client_->watch(client::virtual_ips(), options,
                   {nullptr, [&](std::string_view line) { lines += line; },
                    [&](client::Answer answer) { end = std::move(answer); }});
    return eventually([&] { return end || lines.find("410") != std::string::npos; }) &&
           (!end || end->status == 410);
  };
  EXPECT_TRUE(wait_until(says_gone, 30s, 100ms)) << (end ? end->message : lines);
}

TEST_F(KubeClientTest, AnOutageTakesNothingAwayAndChangesNothingAfterwards) {
  define();
  follow();
  ASSERT_TRUE(healthy());
  ASSERT_TRUE(eventually([&] { return yields_ == 1; }));
  api_->kill(Part::kApi);
  EXPECT_TRUE(unhealthy(Reason::kApiUnreachable));
  ASSERT_OK(api_->start_part(Part::kApi));
  ASSERT_OK(api_->wait_ready(60s));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(healthy());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  ASSERT_OK(api_->apply(virtual_ip("second", 8)));
  ASSERT_TRUE(eventually([&] { return names_.size() == 2; }));
  EXPECT_EQ(yields_, 2);
}

TEST_F(KubeClientTest, WithoutRightsItSaysSoAndGoesOnWhenItHasThem) {
  define();
  connect("nobody");
  follow();
  EXPECT_TRUE(unhealthy(Reason::kApiForbidden));
  EXPECT_THAT(health_->message, HasSubstr("forbidden"));
  EXPECT_EQ(yields_, 0);
  ASSERT_OK(
      api_->apply("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
                  "metadata: {name: all}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, "
                  "name: cluster-admin}\nsubjects: [{kind: User, name: nobody, apiGroup: "
                  "rbac.authorization.k8s.io}]\n"));
  EXPECT_TRUE(healthy());
  EXPECT_TRUE(eventually([&] { return yields_ == 1; }));
}

TEST_F(KubeClientTest, AnAbsentDefinitionIsNamedAndFoundWhenItComes) {
  follow();
  EXPECT_TRUE(unhealthy(Reason::kApiNotFound));
  define();
  EXPECT_TRUE(healthy());
  EXPECT_TRUE(eventually([&] { return names_ == std::vector<std::string>{"first"}; }));
}

TEST_F(KubeClientTest, OfTwoContendersOneLeadsAndTheOtherFollowsItsRelease) {
  log::NullSink sink;
  const log::Logger log{sink, runtime::unix_now_ns, "test"};
  bool a_leads = false;
  bool b_leads = false;
  client::LeaseElection a{loop, *client_, contender("a"), log};
  client::LeaseElection b{loop, *client_, contender("b"), log};
  a.start({[&] { a_leads = true; }, [&] { a_leads = false; }});
  b.start({[&] { b_leads = true; }, [&] { b_leads = false; }});
  ASSERT_TRUE(eventually([&] { return a_leads || b_leads; }));
  turn_for(5s);
  EXPECT_NE(a_leads, b_leads);
  auto& leader = a_leads ? a : b;
  bool stopped = false;
  const bool a_led = a_leads;
  leader.stop([&] { stopped = true; });
  ASSERT_TRUE(eventually([&] { return stopped && (a_led ? b_leads : a_leads); }, 3s));
  EXPECT_THAT(said(api_->kubectl({"get", "lease", "leader", "-o", "jsonpath={.spec.leaseTransitions}"})),
              "1");
}

// Run in a process of its own by the next test: says every 10 ms when it may write.
TEST(LeaseContender, DISABLED_SaysWhenItMayWrite) {
  Turned turned;
  ASSERT_OK(client::start_transport());
  auto access = client::from_kubeconfig(std::getenv("VIPRA_TEST_KUBECONFIG"));
  ASSERT_OK(access);
  client::Client own{turned.loop, *access};
  log::NullSink sink;
  const log::Logger log{sink, runtime::unix_now_ns, "test"};
  client::LeaseElection election{turned.loop, own, contender("child"), log};
  election.start({nullptr, nullptr});
  while (true) {
    turned.turn_for(10ms);
    const auto now = runtime::now().boot.time_since_epoch().count();
    if (election.may_write(0s)) std::fprintf(stderr, "%lld\n", static_cast<long long>(now));
  }
}

class Child {
 public:
  explicit Child(const std::string& kubeconfig) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_ = ends[0];
    ::fcntl(read_, F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    std::string self = "/proc/self/exe";
    std::string filter = "--gtest_filter=LeaseContender.*";
    std::string disabled = "--gtest_also_run_disabled_tests";
    char* arguments[] = {self.data(), filter.data(), disabled.data(), nullptr};
    ::setenv("VIPRA_TEST_KUBECONFIG", kubeconfig.c_str(), 1);
    EXPECT_EQ(::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(read_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) const { ::kill(pid_, number); }
  // The last moment at which it could write, CLOCK_BOOTTIME.
  std::int64_t last_write() {
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(read_, bytes, sizeof bytes)) > 0;)
      text_.append(bytes, static_cast<std::size_t>(n));
    for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      std::from_chars(text_.data(), text_.data() + end, last_);
      text_.erase(0, end + 1);
    }
    return last_;
  }

 private:
  pid_t pid_ = -1;
  int read_ = -1;
  std::string text_;
  std::int64_t last_ = 0;
};

TEST_F(KubeClientTest, AStoppedLeaderIsReplacedAndWritesNothingWhenItWakes) {
  Child child{api_->kubeconfig().string()};
  ASSERT_TRUE(eventually([&] { return child.last_write() > 0; }));
  log::NullSink sink;
  const log::Logger log{sink, runtime::unix_now_ns, "test"};
  client::LeaseElection own{loop, *client_, contender("parent"), log};
  std::int64_t led_from = 0;
  own.start({[&] { led_from = runtime::now().boot.time_since_epoch().count(); }, nullptr});
  ASSERT_TRUE(eventually([&] { return own.holder().starts_with("child"); }));
  child.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return led_from > 0; }));
  child.signal(SIGCONT);
  turn_for(3s);
  EXPECT_TRUE(own.leading());
  EXPECT_LT(child.last_write(), led_from);
}

}  // namespace
}  // namespace vipra::lab::kube
