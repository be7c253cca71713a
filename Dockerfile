# One image for all containers of Vipra. Two stages: what it takes to build stays behind.
#
#   docker build -t REGISTRY/vipra:TAG .
#   docker build --build-arg PREBUILT=1 ...      takes the programs from build/image instead of compiling them; they
#                                                must have been built for the base image's libraries
#
# Names are whole, so that no tool asks which registry is meant.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
ARG PREBUILT=
WORKDIR /source
COPY . .
RUN set -e; mkdir -p /programs; \
    if [ -n "$PREBUILT" ]; then cp build/image/* /programs/; exit 0; fi; \
    scripts/setup build; \
    programs="vipra-agent vipra-control vipctl"; \
    if [ -f controller/main.cpp ]; then programs="$programs vipra-controller"; fi; \
    cmake --preset release -DVIPRA_TESTS=OFF; \
    cmake --build build/release --target $programs; \
    for program in $programs; do strip -o /programs/$program build/release/bin/$program; done

FROM ${BASE}
# The agent is linked statically but for libc; these are for the others.
RUN packages="libabsl20220623 libcpprest2.10 libgrpc++1.51 libgrpc29 libprometheus-cpp-core1.0 libprotobuf32 libssl3 libyaml-cpp0.7"; \
    dpkg-query -W $packages >/dev/null 2>&1 && exit 0; \
    apt-get update && apt-get install -y --no-install-recommends $packages && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /programs/ /usr/local/bin/
# The pods say which container is root: the agent alone.
USER 65532:65532
CMD ["vipctl", "--help"]
