# Shared by the scripts of the images: sourced, not run.
source "$(dirname "${BASH_SOURCE[0]}")/../cluster/lib.sh"

IMAGES=(operator sfu signaling coturn redis postgres)
# A name that no registry answers to: what is missing is never looked for on somebody else's.
LOCAL=rotunda.local
REGISTRY=${REGISTRY:-$LOCAL}
TAG=${TAG:-$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)}

# check_names NAME...
check_names() {
    local name
    for name in "$@"; do
        [[ " ${IMAGES[*]} " == *" $name "* ]] || die "there is no image $name; there are: ${IMAGES[*]}"
    done
}
