# PostgreSQL from Debian's package, for trying Rotunda out: docker build -f images/postgres.Dockerfile .
# It runs as user 65532 with a read-only root file system; /tmp and $PGDATA's parent are mounted.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
# LLVM is for PostgreSQL's JIT alone, which the script turns off, and larger than all else.
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-common \
    && echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf \
    && apt-get install -y --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/lib/postgresql /usr/share/doc /usr/share/man /usr/share/locale \
        /usr/lib/x86_64-linux-gnu/libLLVM* /usr/lib/postgresql/15/lib/bitcode \
    && echo 'rotunda:x:65532:65532:Rotunda:/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'rotunda:x:65532:' >>/etc/group
COPY --chmod=0755 images/rotunda-postgres /usr/local/bin/
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
LABEL org.opencontainers.image.title="Rotunda's PostgreSQL for trying"
WORKDIR /tmp
USER 65532:65532
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["rotunda-postgres"]
