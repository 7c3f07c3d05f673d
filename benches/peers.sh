#!/bin/sh
# Measures Debian's `webhook` and npm's Node-RED in the same rounds as tagrelay, with the same requests.
#
#   benches/peers.sh [options of the intake benchmark]
#
# Both are fetched into a folder that is removed afterwards; nothing is installed. It needs Debian's apt-get and dpkg-deb,
# node and npm. PEERS=FOLDER keeps what was fetched there for the next run.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
intents=50
work=$(mktemp -d)
fetched=${PEERS:-$work/fetched}
webhook_pid='' node_red_pid=''

end() {
    for pid in $webhook_pid $node_red_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

mkdir -p "$fetched"
cd "$fetched"
if [ ! -x usr/bin/webhook ]; then
    apt-get download -q webhook
    dpkg-deb -x webhook_*.deb .
fi
if [ ! -d node_modules/node-red ]; then
    npm install --prefix . --no-audit --no-fund --loglevel=error node-red@4.1
fi

free_port() {
    node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# Waits until somebody listens at a port, a minute at most.
wait_for() {
    node -e '
        const until = Date.now() + 60000;
        const dial = () => require("net").connect(process.argv[1], "127.0.0.1")
            .on("connect", () => process.exit(0))
            .on("error", () => Date.now() < until ? setTimeout(dial, 100) : process.exit(1));
        dial();' "$1"
}

node "$here/peers/write.js" "$work" "$intents"
webhook_port=$(free_port)
./usr/bin/webhook -hooks "$work/hooks.json" -ip 127.0.0.1 -port "$webhook_port" >"$work/webhook.log" 2>&1 &
webhook_pid=$!
node_red_port=$(free_port)
PORT=$node_red_port WORK=$work NODE_ENV=production \
    node node_modules/node-red/red.js --settings "$here/peers/settings.js" >"$work/node-red.log" 2>&1 &
node_red_pid=$!
wait_for "$webhook_port" && wait_for "$node_red_port" || {
    cat "$work/webhook.log" "$work/node-red.log" >&2
    exit 1
}

cd "$here/.."
cargo bench --bench intake -- --only intake --intents "$intents" --rounds 3 --seconds 5 --keys 100000 \
    --peer "webhook=$webhook_pid@127.0.0.1:$webhook_port/hooks/intake" \
    --peer "node-red=$node_red_pid@127.0.0.1:$node_red_port/hooks/website-bot" "$@"
