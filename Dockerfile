# Builds waypath and keeps the binary, the shipped clusters and scenarios.
FROM debian:12-slim AS build
COPY tools/dev/packages.txt /tmp/packages.txt
RUN apt-get update \
 && sed -e '/^# checks/,$d' -e 's/#.*//' /tmp/packages.txt | xargs apt-get install -y --no-install-recommends \
 && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DWAYPATH_BUILD_TESTS=OFF -DWAYPATH_BUILD_BENCH=OFF \
 && cmake --build /build --target waypath waypath_manual \
 && cmake --install /build --prefix /opt/waypath --component tool --strip

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libyaml-cpp0.7 libfmt9 libmimalloc2.0 libsimdjson14 libre2-9 libssl3 libtbb12 libpugixml1v5 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/waypath /usr/local
USER 65534:65534
ENTRYPOINT ["waypath"]
