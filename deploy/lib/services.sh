# SPDX-License-Identifier: Apache-2.0
# A broker, a Redis and a registry on loopback, each ended by its process id. Sourced after steps.sh.

# wait_until SECONDS command..: poll ten times a second.
wait_until() {
    local tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}

started_at() { # PID: ticks since the machine's start
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

# After a restart of the machine another program may have the number: the moment of its start tells.
keep_pid() { # PIDFILE PID
    echo "$2" >"$1"
    started_at "$2" >"$1.started"
}

running() { # PIDFILE
    local pid
    pid=$(cat "$1" 2>/dev/null) && kill -0 "$pid" 2>/dev/null || return 1
    [ ! -f "$1.started" ] || [ "$(cat "$1.started")" = "$(started_at "$pid")" ]
}

# wait_until_up PIDFILE SECONDS command..: the same for a service; one that has ended is not waited for.
wait_until_up() {
    local file=$1 seconds=$2 tries
    shift 2
    for ((tries = seconds * 10; tries > 0; tries--)); do
        "$@" >/dev/null 2>&1 && return 0
        running "$file" || { echo "it ended"; return 1; }
        sleep 0.1
    done
    echo "no answer within $seconds s"
    return 1
}

stop_service() { # PIDFILE [SIGNAL]
    local pid
    if ! running "$1"; then
        rm -f "$1" "$1.started"
        return 0
    fi
    pid=$(cat "$1")
    kill "-${2:-TERM}" "$pid" 2>/dev/null
    # Gone, not only told: its port and its lock are wanted again.
    wait_until 20 eval "! kill -0 $pid" ||
        { kill -KILL "$pid" 2>/dev/null; wait_until 20 eval "! kill -0 $pid"; }
    rm -f "$1" "$1.started"
}

port_open() { # PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

port_free() { # PORT: or say so
    if port_open "$1"; then
        echo "port $1 is taken by another program"
        return 1
    fi
}

# start_kafka DIR PORT [PROXY_PORT]: data and logs under DIR/kafka. Sets nothing; the pid is in DIR/kafka.pid.
# With PROXY_PORT, clients that come through a second listener (PORT + 2) are told to come back by that port.
# KAFKA_PROPERTIES: lines for the end of its configuration; the last one of a name counts.
# KAFKA_JAVA_OPTIONS: other options of Java than those of a small broker that starts fast.
start_kafka() {
    local dir=$1 port=$2 proxy=${3:-} jars=$CACHE/kafka-3.9.1
    running "$dir/kafka.pid" && return 0
    port_free "$port" && port_free $((port + 1)) || return 1
    mkdir -p "$dir/kafka"
    sed -e "s#@PORT@#$port#g" -e "s#@CONTROLLER@#$((port + 1))#g" -e "s#@DIR@#$dir/kafka/data#g" \
        "$ROOT/deploy/kafka/server.properties" >"$dir/kafka/server.properties"
    [ -z "$proxy" ] || cat >>"$dir/kafka/server.properties" <<END
listeners=PLAINTEXT://127.0.0.1:$port,PROXIED://127.0.0.1:$((port + 2)),CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,PROXIED://127.0.0.1:$proxy
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
END
    printf '%s\n' "${KAFKA_PROPERTIES:-}" >>"$dir/kafka/server.properties"
    cp "$ROOT/deploy/kafka/log4j.properties" "$dir/kafka/log4j.properties"
    local options=${KAFKA_JAVA_OPTIONS:--Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}
    # shellcheck disable=SC2206
    local java=(java $options
        "-Dlog4j.configuration=file:$dir/kafka/log4j.properties" -cp "$jars/*")
    if [ ! -f "$dir/kafka/data/meta.properties" ]; then
        local id
        id=$("${java[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null) || return 1
        "${java[@]}" kafka.tools.StorageTool format -t "$id" -c "$dir/kafka/server.properties" || return 1
    fi
    setsid "${java[@]}" kafka.Kafka "$dir/kafka/server.properties" >>"$dir/kafka.log" 2>&1 </dev/null 9>&- &
    keep_pid "$dir/kafka.pid" $!
    wait_until_up "$dir/kafka.pid" 180 eval "grep -q 'Kafka Server started' '$dir/kafka.log' && bash -c 'exec 3<>/dev/tcp/127.0.0.1/$port'" ||
        { tail -n 20 "$dir/kafka.log"; return 1; }
}

# start_redis DIR PORT [option..]
start_redis() {
    local dir=$1 port=$2
    shift 2
    running "$dir/redis.pid" && return 0
    port_free "$port" || return 1
    mkdir -p "$dir/redis"
    setsid redis-server --port "$port" --bind 127.0.0.1 --dir "$dir/redis" --save '' --appendonly no \
        --maxmemory-policy noeviction --daemonize no "$@" >>"$dir/redis.log" 2>&1 </dev/null 9>&- &
    keep_pid "$dir/redis.pid" $!
    wait_until_up "$dir/redis.pid" 60 redis-cli -p "$port" ping || { tail -n 20 "$dir/redis.log"; return 1; }
}

# start_registry DIR PORT: Apicurio in memory, compatible API under /apis/ccompat/v7.
start_registry() {
    local dir=$1 port=$2
    running "$dir/registry.pid" && return 0
    port_free "$port" || return 1
    QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$port setsid java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -jar "$CACHE/apicurio-2.6.13/apicurio-registry-app-2.6.13.Final-runner.jar" >>"$dir/registry.log" 2>&1 </dev/null 9>&- &
    keep_pid "$dir/registry.pid" $!
    wait_until_up "$dir/registry.pid" 180 curl -sf "http://127.0.0.1:$port/apis/ccompat/v7/subjects" || { tail -n 20 "$dir/registry.log"; return 1; }
}

stop_all() { # DIR
    local name
    for name in segue registry redis kafka; do
        stop_service "$1/$name.pid"
    done
}
