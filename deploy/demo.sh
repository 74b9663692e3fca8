#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo`: starts an engine on a store of its own, runs sample jobs, shows what happened, stops.
set -eu
cd "$(dirname "$0")/.."

data=$(mktemp -d)
export JOBMILL_ENGINE_DATA_DIR="$data" JOBMILL_STORE_URL=sqlite: JOBMILL_QUEUE_URL=store:
export JOBMILL_API_LISTEN=127.0.0.1:0        # a free port; the engine writes it to run/api.addr
export JOBMILL_DEFAULTS_BACKOFF_BASE=200ms   # so that the retries are over soon
log=$data/engine.log

build/jobmill serve -c conf.d 2>"$log" &
engine=$!
finish() {
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    rm -rf "$data"
}
trap finish EXIT
trap 'exit 1' INT TERM

tries=0
until [ -s "$data/run/api.addr" ]; do
    tries=$((tries + 1))
    if [ $tries -gt 200 ] || ! kill -0 "$engine" 2>/dev/null; then
        echo "the engine did not start:" >&2
        cat "$log" >&2
        exit 1
    fi
    sleep 0.05
done
JOBMILL_URL=http://$(cat "$data/run/api.addr")
export JOBMILL_URL

echo "The engine runs at $JOBMILL_URL, its store is one SQLite file, no other service is needed."
echo
echo "Enqueueing: C plugins, Lua scripts, one that fails now and then, two that cannot succeed …"
enqueue() {
    build/jobmill enqueue "$@"
}
ids=$(
    enqueue hello '{"name":"Ada"}'
    enqueue compute '{"iterations":5000000}'
    enqueue lua-compute '{"iterations":200000}'
    enqueue transform '{"source":"db"}'
    enqueue lua-transform '{"source":"db"}'
    enqueue notify '{"channel":"slack","template":"Hello {{name}}","data":{"name":"Ada"}}'
    enqueue default '{"load_test":true,"index":5}' --tag demo
    enqueue flaky '{"failure_rate":0.6}' --max-retries 6
    enqueue lua-flaky '{"failure_rate":0.6}' --max-retries 6
    enqueue flaky '{"failure_rate":1.0}' --max-retries 2
    enqueue compute '{"iterations":"many"}'
    enqueue hello '{"name":"a moment later"}' --delay 1s --priority 10
)
# shellcheck disable=SC2086 # one word per id
build/jobmill wait --timeout 60s $ids || true
echo
echo "What became of them:"
echo
build/jobmill list
echo
echo "Two are dead letters: one used up its retries, one was refused for good by its handler."
echo "Their errors are kept; each can be run again, also with another payload:"
echo
build/jobmill list --status dead_letter
echo
cat <<'EOF'
How to go on:
  make run                                      the engine in the foreground, on 127.0.0.1:8080
  build/jobmill enqueue hello '{"name":"you"}'  enqueue a job; get, list and wait show it
  curl -s localhost:8080/api/v1/stats           what is queued, running, done
  sed s/hello/mine/ lua-handlers/hello.lua > lua-handlers/mine.lua
                                                your first handler, for jobs of type `mine`; restart
  docs/api.md, docs/lua.md, sdk/template/       the REST surface, handlers in Lua, handlers in C
EOF
