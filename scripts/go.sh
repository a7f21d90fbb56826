# Commands that are built from Go modules in tools/: sourced after lib.sh.

# The pinned Go, in .venv. What scripts here print is often a path, hence nothing of it on standard output.
need_go() { scripts/setup.sh go >&2; }

# go_build MODULE LDFLAGS OUTPUT PACKAGE
go_build() {
    local name=${3##*/}
    say "building ${name#.} (the first time only)"
    (cd "tools/$1" && CGO_ENABLED=0 go build -p 2 -trimpath -buildvcs=false -mod=readonly -ldflags "$2" -o "$3" "$4")
}

# go_tool MODULE LDFLAGS NAME=PACKAGE...: the folder with these commands of tools/MODULE, built where it is not
# there yet. Its name is a hash of what they are built from.
go_tool() {
    local module=$1 flags=$2 key folder partial pair
    shift 2
    need_go
    key=$({ find "tools/$module" -type f -print0 | sort -z | xargs -0 cat; echo "$flags" "$@"; go env GOVERSION GOARCH; } |
        sha256sum | cut -c 1-16)
    folder="$ROTUNDA_CACHE/tools/$module-$key"
    if [ ! -d "$folder" ]; then
        mkdir -p "$ROTUNDA_CACHE/tools"
        partial=$(mktemp -d "$ROTUNDA_CACHE/tools/partial.XXXXXX")
        for pair in "$@"; do go_build "$module" "$flags" "$partial/${pair%%=*}" "${pair#*=}"; done
        chmod 0755 "$partial"
        # Somebody else may have built it meanwhile.
        mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial"
    fi
    echo "$folder"
}

# version_in MODULE DEPENDENCY: of a dependency, without the v.
version_in() { awk -v name="$2" '$1 == name || $2 == name { sub(/.* v/, ""); print $1; exit }' "tools/$1/go.mod"; }

# go_module MODULE DEPENDENCY: the folder with a dependency's source, in Go's module cache.
go_module() {
    need_go
    (cd "tools/$1" && go mod download "$2" && go list -mod=readonly -m -f '{{.Dir}}' "$2") || die "$2 could not be downloaded"
}
