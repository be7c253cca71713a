/* The one program of the lab's own images; static, so that an image is this file alone.
     pod              waits to be ended, and reaps orphans: the pause container of every pod
     pod serve PORT   answers every HTTP request with 200 and the host's name, until it is ended */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int number) {
  (void)number;
  _exit(0);
}

static void reap(int number) {
  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

static void answer(int client) {
  const struct timeval patience = {2, 0};
  char request[2048];
  char name[256] = "";
  char text[512];
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (read(client, request, sizeof request) <= 0) return;
  gethostname(name, sizeof name - 1);
  const int size = snprintf(text, sizeof text,
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                            "Connection: close\r\n\r\n%s\n",
                            strlen(name) + 1, name);
  if (write(client, text, (size_t)size) == size) shutdown(client, SHUT_WR);
}

static int serve(int port) {
  const int on = 1;
  const int off = 0;
  struct sockaddr_in6 any;
  memset(&any, 0, sizeof any);
  any.sin6_family = AF_INET6;
  any.sin6_port = htons((unsigned short)port);
  const int server = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (server < 0 || bind(server, (struct sockaddr *)&any, sizeof any) < 0 || listen(server, 64) < 0) {
    perror("pod serve");
    return 1;
  }
  printf("serving on port %d\n", port);
  fflush(stdout);
  for (;;) {
    const int client = accept(server, NULL, NULL);
    if (client < 0 && errno != EINTR && errno != ECONNABORTED) return 1;
    if (client < 0) continue;
    answer(client);
    close(client);
  }
}

int main(int argc, char **argv) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGCHLD, reap);
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(atoi(argv[2]));
  for (;;) pause();
}
