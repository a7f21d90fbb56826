# Stands in for the stock Python image where no registry can be reached: Debian's own Python on Debian.
# Target python is the base of the images, python-build has what building them takes besides.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE} AS python
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM python AS python-build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
