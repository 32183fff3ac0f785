#!/usr/bin/env bash
# What the README promises, with the release binary: the demo served headless, and a second process
# that watches it with the configuration the demo prints. Ends only what it started.
set -euo pipefail
noctule=$1
home=$(mktemp -d)
export XDG_CONFIG_HOME=$home/config XDG_DATA_HOME=$home/data XDG_STATE_HOME=$home/state HOME=$home
mkdir -p "$XDG_CONFIG_HOME/noctule"
"$noctule" demo --headless --scale small --seed 7 >"$home/demo.toml" 2>"$home/demo.err" &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; rm -rf "$home"' EXIT
for _ in $(seq 100); do
  grep -q '^\[\[source' "$home/demo.toml" && break
  kill -0 "$demo" || { cat "$home/demo.err"; exit 1; }
  sleep 0.1
done
cp "$home/demo.toml" "$XDG_CONFIG_HOME/noctule/noctule.toml"

"$noctule" config check
"$noctule" pon --fresh --json >"$home/pon.json"
"$noctule" alarms --json >"$home/alarms.json"
"$noctule" sources --json >"$home/sources.json"
python3 - "$home" <<'PY'
import json, sys
home = sys.argv[1]
pon, sources = (json.load(open(f"{home}/{n}.json")) for n in ("pon", "sources"))
alarms = json.load(open(f"{home}/alarms.json"))
onus = [r for r in pon if r["kind"] == "onu"]
assert len(onus) == 64, f"{len(onus)} ONUs instead of 64"
for field in "id kind parent serial name admin_state oper_status connect_status reason source as_of".split():
    assert field in pon[0], f"tree rows lack {field}"
assert sources and sources[0]["health"] in ("up", "degraded"), sources
for field in ("key source resource type severity cleared op_state visibility raised_at received_at last_changed "
              "occurrences text owner shelf_until").split():
    assert not alarms or field in alarms[0], f"alarm rows lack {field}"
print(f"smoke: {len(pon)} tree rows, {len(alarms)} alarms, {len(sources)} sources")
PY
# Two appliances of the demo are ill on purpose, and the doctor finds just these.
code=0
"$noctule" doctor --json >"$home/doctor.json" || code=$?
python3 - "$home" "$code" <<'PY'
import json, sys
told = json.load(open(f"{sys.argv[1]}/doctor.json"))
ill = sorted({c["area"] for c in told["checks"] if c["verdict"] == "fail"})
assert ill == ["source fair-south-gate", "source fair-station"], ill
assert sys.argv[2] == "1", f"exit code {sys.argv[2]}"
print(f"smoke: the doctor looked at {len(told['checks'])} things")
PY
