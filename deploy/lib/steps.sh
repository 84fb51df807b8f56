# SPDX-License-Identifier: Apache-2.0
# Steps that say what they do, how long it took, and, when one fails, what to do. Sourced by deploy/demo and tests/run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${SEGUE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/segue}
if ! mkdir -p "$CACHE/logs" 2>/dev/null || [ ! -w "$CACHE/logs" ]; then
    echo "cannot write to $CACHE; name another folder with SEGUE_CACHE" >&2
    exit 69
fi

# Colour on a terminal only, and never against the reader's wish (no-color.org).
RED='' DIM='' BOLD='' PLAIN=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    RED=$'\033[31m' DIM=$'\033[2m' BOLD=$'\033[1m' PLAIN=$'\033[0m'
fi

# On a terminal: a step that takes long says every second that it goes on, and how far a build has come, or that it waits.
TICKER=''
tick() { # WHAT LOG
    local begin=$SECONDS at
    while sleep 1 && kill -0 $$ 2>/dev/null; do
        at=$(tail -c 400 "$2" 2>/dev/null | grep -o '^\[[0-9]*/[0-9]*\]\|^waits' | tail -n 1)
        printf '\r  %-38s%12s%s%6d s  %s' "$1" "$at" "$DIM" $((SECONDS - begin)) "$PLAIN"
    done
}

end_tick() {
    [ -n "$TICKER" ] || return 0
    kill "$TICKER" 2>/dev/null
    wait "$TICKER" 2>/dev/null
    TICKER=''
    printf '\r\033[K'
}

# step "what it does" "what to do when it fails" command..
step() {
    local what=$1 mend=$2 log=$CACHE/logs/step.$$.log begin tenths
    shift 2
    printf '  %-50s' "$what"
    begin=$(date +%s%N)
    : >"$log"
    if [ -t 1 ]; then
        tick "$what" "$log" &
        TICKER=$!
    fi
    if "$@" >"$log" 2>&1; then
        [ -z "$TICKER" ] || { end_tick; printf '  %-50s' "$what"; }
        tenths=$((($(date +%s%N) - begin) / 100000000))
        printf '%s%6d.%d s%s\n' "$DIM" $((tenths / 10)) $((tenths % 10)) "$PLAIN"
        rm -f "$log"
    else
        [ -z "$TICKER" ] || { end_tick; printf '  %-50s' "$what"; }
        printf '%s  failed%s\n\n' "$RED" "$PLAIN"
        tail -n 20 "$log" | sed 's/^/    | /'
        printf '\n  %sWhat to do:%s %s\n  The whole output: %s\n' "$BOLD" "$PLAIN" "$mend" "$log"
        exit 69
    fi
}

# alone command..: two runs at a time do not build, install or fetch at the same moment.
alone() {
    (
        flock -n 8 || { echo "waits for another demo or test run that installs, fetches or builds"; flock 8; echo "goes on"; }
        "$@" 8>&-
    ) 8>"$CACHE/alone.lock"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Debian 12 package names, one list for the demo and one more for the tests.
PACKAGES_BUILD="build-essential meson ninja-build pkg-config python3 tzdata librdkafka-dev libhiredis-dev libavro-dev
libyaml-dev libjansson-dev libcurl4-openssl-dev libmicrohttpd-dev libssl-dev libxxhash-dev zlib1g-dev check"
PACKAGES_DEMO="redis-server redis-tools default-jre-headless maven curl ca-certificates"
PACKAGES_TEST="clang clang-format clang-tidy openssl python3-venv python3-jsonschema python3-yaml xz-utils libclang-rt-14-dev"
PACKAGES_CEL="golang-go"

missing_packages() {
    local name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || echo "$name"
    done
}

install_packages() {
    local wanted=() name missing
    for name in "$@"; do
        # A Java, Maven or Go that is already there (whoever packaged it) is good enough.
        [ "$name" = default-jre-headless ] && command -v java >/dev/null && continue
        [ "$name" = maven ] && command -v mvn >/dev/null && continue
        [ "$name" = golang-go ] && command -v go >/dev/null && continue
        wanted+=("$name")
    done
    missing=$(missing_packages "${wanted[@]}")
    [ -z "$missing" ] && return 0
    missing=$(echo "$missing" | tr '\n' ' ')
    if ! command -v apt-get >/dev/null; then
        echo "This is not Debian: install what these packages hold, then run again: $missing"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "Neither root nor sudo here. As root, then run again:"
        echo "apt-get install --no-install-recommends $missing"
        return 1
    fi
    # Debian's redis-server starts a server of its own on 6379; ours runs on a port of its own.
    as_root apt-get update -q
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}

build_segue() { # BUILD_DIR [meson option..]
    local dir=$1
    shift
    [ -f "$dir/build.ninja" ] || meson setup "$dir" "$ROOT" "$@" || return 1
    ninja -C "$dir" processor/segue
}

fetch_kafka() {
    [ -f "$CACHE/kafka-3.9.1/.complete" ] && return 0
    mvn -q -B -Dstyle.color=never "-Duser.home=${HOME:-/root}" -f "$ROOT/deploy/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$CACHE/kafka-3.9.1" &&
        ls "$CACHE"/kafka-3.9.1/kafka_*.jar && touch "$CACHE/kafka-3.9.1/.complete"
}

fetch_registry() {
    [ -f "$CACHE/apicurio-2.6.13/.complete" ] && return 0
    mvn -q -B -Dstyle.color=never "-Duser.home=${HOME:-/root}" -f "$ROOT/deploy/registry/pom.xml" dependency:unpack -DoutputDirectory="$CACHE/apicurio-2.6.13" &&
        ls "$CACHE"/apicurio-2.6.13/apicurio-registry-app-*-runner.jar && touch "$CACHE/apicurio-2.6.13/.complete"
}
