# Redis from Debian's package, for trying Rotunda out: docker build -f images/redis.Dockerfile .
# It runs as user 65532 with a read-only root file system and keeps nothing on disk.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc /etc/redis \
    && echo 'rotunda:x:65532:65532:Rotunda:/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'rotunda:x:65532:' >>/etc/group
LABEL org.opencontainers.image.title="Rotunda's Redis for trying"
WORKDIR /tmp
USER 65532:65532
EXPOSE 6379
ENTRYPOINT ["redis-server"]
# A password comes as an argument more: --requirepass, or a mounted file to include.
CMD ["--save", "", "--appendonly", "no", "--dir", "/tmp", "--protected-mode", "no"]
