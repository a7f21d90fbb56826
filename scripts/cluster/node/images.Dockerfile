# The images of which a Kubernetes control plane consists, from binaries that were built on this machine: one
# target each. Where each goes by which name in the end says node_image.sh.
ARG DEBIAN_IMAGE

FROM scratch AS kube-apiserver
COPY bin/kube-apiserver /usr/local/bin/

FROM scratch AS kube-controller-manager
COPY bin/kube-controller-manager /usr/local/bin/

FROM scratch AS kube-scheduler
COPY bin/kube-scheduler /usr/local/bin/

FROM scratch AS etcd
COPY bin/etcd /usr/local/bin/

FROM scratch AS coredns
COPY bin/coredns /
ENTRYPOINT ["/coredns"]

FROM scratch AS pause
COPY bin/pause /
USER 65535:65535
ENTRYPOINT ["/pause"]

FROM scratch AS node-agent
COPY bin/agent /
ENTRYPOINT ["/agent"]

FROM ${DEBIAN_IMAGE} AS kube-proxy
RUN apt-get update && apt-get install -y --no-install-recommends conntrack iptables kmod nftables \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY bin/kube-proxy /usr/local/bin/
