# SPDX-License-Identifier: Apache-2.0
# Steps that say what they do, how long it took, and, when one fails, what to do. Sourced by deploy/demo and tests/run.

CACHE=${SEGUE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/segue}
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "$CACHE/logs"

# step "what it does" "what to do when it fails" command..
step() {
    local what=$1 mend=$2 log=$CACHE/logs/step.$$.log begin end
    shift 2
    printf '  %-58s' "$what"
    begin=$(date +%s%N)
    if "$@" >"$log" 2>&1; then
        end=$(date +%s%N)
        printf '%6d.%01d s\n' $(((end - begin) / 1000000000)) $(((end - begin) / 100000000 % 10))
        rm -f "$log"
    else
        printf 'failed\n\n'
        tail -n 20 "$log" | sed 's/^/    | /'
        printf '\n  What to do: %s\n  The whole output: %s\n' "$mend" "$log"
        exit 69
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian 12 package names, one list for the demo and one more for the tests.
PACKAGES_BUILD="build-essential meson ninja-build pkg-config python3 tzdata librdkafka-dev libhiredis-dev libavro-dev
libyaml-dev libjansson-dev libcurl4-openssl-dev libmicrohttpd-dev libssl-dev libxxhash-dev check"
PACKAGES_DEMO="redis-server redis-tools default-jre-headless maven curl"
PACKAGES_TEST="clang clang-format clang-tidy openssl python3-venv xz-utils libclang-rt-14-dev"

missing_packages() {
    local name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || echo "$name"
    done
}

# A Java that is already there (whoever packaged it) is good enough.
install_packages() {
    local wanted=() name
    for name in "$@"; do
        [ "$name" = default-jre-headless ] && command -v java >/dev/null && continue
        [ "$name" = maven ] && command -v mvn >/dev/null && continue
        wanted+=("$name")
    done
    local missing
    missing=$(missing_packages "${wanted[@]}")
    [ -z "$missing" ] && return 0
    # Debian's redis-server starts a server of its own on 6379; ours runs on a port of its own.
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -q
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}

build_segue() { # BUILD_DIR [meson option..]
    local dir=$1
    shift
    if [ -f "$dir/build.ninja" ]; then :; else meson setup "$dir" "$ROOT" "$@"; fi
    ninja -C "$dir" processor/segue
}

fetch_kafka() {
    [ -f "$CACHE/kafka-3.9.1/.complete" ] && return 0
    mvn -q -B -f "$ROOT/deploy/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$CACHE/kafka-3.9.1" &&
        touch "$CACHE/kafka-3.9.1/.complete"
}

fetch_registry() {
    [ -f "$CACHE/apicurio-2.6.13/.complete" ] && return 0
    mvn -q -B -f "$ROOT/deploy/registry/pom.xml" dependency:unpack -DoutputDirectory="$CACHE/apicurio-2.6.13" \
        -DmarkersDirectory="$CACHE/apicurio-2.6.13/.markers" &&
        touch "$CACHE/apicurio-2.6.13/.complete"
}
