# The image of tagrelay. Every step is a plain command: what RUN says can be typed by hand, COPY is cp.
#
#   docker build --tag tagrelay .
#   docker run --publish 8080:8080 --volume tagrelay:/data \
#       --env TAGRELAY_ADMIN_TOKEN --env DIALOGFLOW_PASSWORD --env HELPCRUNCH_API_KEY tagrelay

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# The allocator is compiled by its own makefile.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*

# The dependencies alone, around a program that does nothing: this layer is made again only when they change. The manifest
# names the benchmarks, so cargo wants to see their files; they are not built.
COPY Cargo.toml Cargo.lock ./
COPY benches benches
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --locked --profile dist \
    && rm -r src

# Files keep their time when they are copied, and may be older than the program that does nothing: without `touch` cargo
# would take that one for the result.
COPY src src
COPY docs/findings-errors.md docs/findings-warnings.md docs/findings-meaning.md docs/
RUN touch src/main.rs src/lib.rs \
    && cargo build --locked --profile dist

FROM debian:bookworm-slim

# Root certificates for the calls to providers.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*

# The user owns the database's folder and nothing else.
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tagrelay \
    && mkdir /data \
    && chown tagrelay:tagrelay /data

COPY --from=build /build/target/dist/tagrelay /usr/local/bin/tagrelay
COPY LICENSE LICENSE-MIT LICENSE-APACHE /usr/share/doc/tagrelay/
COPY rules /rules

# Beyond loopback TAGRELAY_ADMIN_TOKEN must be given, or the gateway doesn't start. No secret belongs into an image.
ENV TAGRELAY_LISTEN=0.0.0.0:8080 \
    TAGRELAY_RULES=/rules \
    TAGRELAY_DATABASE_URL=sqlite:///data/tagrelay.db

USER tagrelay
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["tagrelay", "healthcheck"]
ENTRYPOINT ["tagrelay"]
CMD ["serve"]
