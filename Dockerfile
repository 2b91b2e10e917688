# One image per service, from one build:
#
#     docker build --target consent --tag renkei/consent .
#
# Targets: consent (the default), consent-relay, account-api, and the stand-ins sandbox-bank and
# partner-app; compose-setup prepares what docker-compose.yml needs. BuildKit is needed, for the cache mounts.
# docs/deployment.md says what is in an image, its user, ports and files.

# The compiler of rust-toolchain.toml, which `make check` compares. Debian's release is the one of
# the images below: the programs take their C library from there.
FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY proto ./proto
COPY migrations ./migrations
COPY services ./services
# The mounts keep downloaded crates and built dependencies between builds, so a changed source file
# costs a build of its own crate only.
RUN --mount=type=cache,id=renkei-cargo-registry,target=/usr/local/cargo/registry \
    --mount=type=cache,id=renkei-target,target=/build/target \
    cargo build --release --locked --bins \
        --package consent --package consent-relay --package account-api \
        --package sandbox-bank --package partner-app \
    && install -D --target-directory=/programs \
        target/release/consent target/release/consent-relay target/release/account-api \
        target/release/sandbox-bank target/release/partner-app

# What every image has: a C library, bash, root certificates, and a user that is not root.
FROM debian:bookworm-slim AS runtime
ARG REVISION=unknown
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 renkei \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin renkei \
    && install --directory --owner=10001 --group=10001 --mode=0750 /etc/renkei
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE /usr/share/doc/renkei/LICENSE
COPY --chmod=0555 deploy/image/healthy /usr/local/bin/healthy
USER 10001:10001
STOPSIGNAL SIGTERM

# librdkafka is in the program; TLS and SCRAM to the brokers are of Debian's OpenSSL.
FROM runtime AS consent-relay
LABEL org.opencontainers.image.title="Renkei consent-relay" \
      org.opencontainers.image.description="One order for the committed events, and Kafka"
USER 0:0
# The newest of the pinned release, as for compose-setup below.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libssl3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /programs/consent-relay /usr/local/bin/consent-relay
ENV RENKEI_RELAY_CONFIG=/etc/renkei/relay.toml
USER 10001:10001
EXPOSE 9082
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["healthy", "http", "9082", "/health/ready"]
ENTRYPOINT ["consent-relay"]
CMD ["serve"]

FROM runtime AS account-api
LABEL org.opencontainers.image.title="Renkei account-api" \
      org.opencontainers.image.description="What partners read: accounts, balances and transactions"
COPY --from=build /programs/account-api /usr/local/bin/account-api
EXPOSE 8090 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["healthy", "http", "9090", "/health/ready"]
ENTRYPOINT ["account-api"]
CMD ["--config", "/etc/renkei/account-api.toml"]

# A stand-in: the bank's core with invented customers. Not for production.
FROM runtime AS sandbox-bank
LABEL org.opencontainers.image.title="Renkei sandbox-bank" \
      org.opencontainers.image.description="Stand-in for a bank's core, with invented customers"
COPY --from=build /programs/sandbox-bank /usr/local/bin/sandbox-bank
ENV SANDBOX_BANK_LISTEN=0.0.0.0:50051 \
    SANDBOX_BANK_OPERATOR_LISTEN=0.0.0.0:9051 \
    SANDBOX_BANK_LOG_FORMAT=json
EXPOSE 50051 9051
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["healthy", "http", "9051", "/health/ready"]
ENTRYPOINT ["sandbox-bank"]

# A stand-in: a sample accounting service. Not for production.
FROM runtime AS partner-app
LABEL org.opencontainers.image.title="Renkei partner-app" \
      org.opencontainers.image.description="A sample accounting service that links accounts"
COPY --from=build /programs/partner-app /usr/local/bin/partner-app
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["healthy", "http", "8000", "/healthz"]
ENTRYPOINT ["partner-app"]
CMD ["--config", "/etc/renkei/partner-app.toml"]

# For docker-compose.yml only: makes keys and settings, the database, the banks and the partner.
FROM runtime AS compose-setup
LABEL org.opencontainers.image.title="Renkei compose-setup" \
      org.opencontainers.image.description="Prepares the compose file's volumes and database"
USER 0:0
# The newest openssl of the pinned release: a version written here would vanish from Debian's mirror
# with the next security update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssl \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=10001 --group=10001 --mode=0750 /state \
        /state/database /state/operator /state/consent /state/relay /state/account-api \
        /state/partner-app
COPY --from=build /programs/consent /usr/local/bin/consent
COPY --chmod=0555 deploy/compose/setup.sh /usr/local/bin/compose-setup
COPY deploy/compose/banks.tsv /usr/share/renkei/banks.tsv
USER 10001:10001
ENTRYPOINT ["compose-setup"]

# The last target is what `docker build` makes when none is named.
FROM runtime AS consent
LABEL org.opencontainers.image.title="Renkei consent" \
      org.opencontainers.image.description="Journey pages, authorization server and decisions"
COPY --from=build /programs/consent /usr/local/bin/consent
ENV RENKEI_CONFIG=/etc/renkei/consent.toml
EXPOSE 8080 9080 9081
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["healthy", "http", "9080", "/health/ready"]
ENTRYPOINT ["consent"]
CMD ["serve"]
