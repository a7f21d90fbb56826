#!/usr/bin/env bash
# Makes the Debian image on which all others stand where the stock one cannot be pulled, from Debian's packages:
# debian.sh NAME. The archive is kept in the cache, so that a new engine has it at once.
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"

NAME=${1:?usage: debian.sh NAME}
SUITE=bookworm
key=$(cache_key scripts/images/debian.sh </dev/null)
archive="$ROTUNDA_CACHE/images/debian-$SUITE-$key.tar.zst"

make_archive() {
    local root
    say "making a Debian $SUITE image with debootstrap (minutes; once)"
    need_packages debootstrap=debootstrap zstd=zstd
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || die "Debian's keys are missing: apt-get install debian-archive-keyring"
    mkdir -p "$ROTUNDA_CACHE/images"
    root=$(mktemp -d "$ROTUNDA_CACHE/images/partial.XXXXXX")
    # shellcheck disable=SC2064 # this root
    trap "as_root rm -rf '$root' '$archive.partial'" EXIT
    as_root debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$root" >"$ROTUNDA_CACHE/images/debootstrap.log" 2>&1 ||
        die "debootstrap failed: see $ROTUNDA_CACHE/images/debootstrap.log"
    configure "$root"
    as_root rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
    as_root tar -C "$root" --numeric-owner --exclude './dev/*' -c . | zstd -q -T0 -o "$archive.partial"
    mv "$archive.partial" "$archive"
}

# configure ROOT: what a Debian image needs besides: no services are started, no documentation is installed.
configure() {
    printf '%s\n' 'force-unsafe-io' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' \
        'path-exclude /usr/share/man/*' 'path-exclude /usr/share/locale/*' 'path-exclude /usr/share/info/*' |
        as_root tee "$1/etc/dpkg/dpkg.cfg.d/image" >/dev/null
    printf '%s\n' 'APT::Install-Recommends "false";' 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };' |
        as_root tee "$1/etc/apt/apt.conf.d/image" >/dev/null
    printf '%s\n' '#!/bin/sh' 'exit 101' | as_root tee "$1/usr/sbin/policy-rc.d" >/dev/null
    as_root chmod 0755 "$1/usr/sbin/policy-rc.d"
    # debootstrap has written the mirror that it chose; fixes come from beside it.
    local mirror
    mirror=$(awk '$1 == "deb" { print $2; exit }' "$1/etc/apt/sources.list")
    [ -n "$mirror" ] || die "debootstrap named no mirror in $1/etc/apt/sources.list"
    printf 'deb %s %s main\n' "$mirror" "$SUITE" "$mirror" "$SUITE-updates" "$mirror-security" "$SUITE-security" |
        as_root tee "$1/etc/apt/sources.list" >/dev/null
}

[ -f "$archive" ] || make_archive
need_packages zstd=zstd
zstd -dc "$archive" | docker import --change 'CMD ["bash"]' --change "LABEL rotunda.key=$key" - "$NAME" >/dev/null
