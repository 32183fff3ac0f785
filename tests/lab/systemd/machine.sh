# Starts systemd as process 1 of namespaces of its own: processes, mounts, cgroups, network, names.
# It sees this machine's files; to those of the file system that / is on, and to /proc/sys, it cannot
# write. File systems mounted below / it sees as they are: it runs none but our units, which leave them
# alone. /run is the folder `run` in $1, and its units are those in $1/units. Ends with 77 where that
# cannot be, after a line `cannot: WHY`.
# Called as `sh machine.sh FOLDER` in a mount namespace, and by itself with `inside`.
set -u
at=$1

cannot() {
  echo "cannot: $*"
  exit 77
}

may() {
  said=$("$@" 2>&1) || cannot "$*: $said"
}

if [ "${2:-}" = inside ]; then
  may mount --bind "$at" "$at"
  may mount --bind "$at/run" /run
  for file in passwd shadow; do may mount --bind "$at/$file" "/etc/$file"; done
  # Process 1 raises limits in /proc/sys, and those of memory and files are not of any namespace.
  may mount --bind /proc/sys /proc/sys
  for place in / /proc/sys; do may mount -o remount,bind,ro "$place"; done
  while mountpoint -q /sys/fs/cgroup; do may umount --recursive /sys/fs/cgroup; done
  may mount -t cgroup2 none /sys/fs/cgroup
  may mkdir /sys/fs/cgroup/probe
  may rmdir /sys/fs/cgroup/probe
  # The console of this machine is none of its business.
  may mount --bind /dev/null /dev/console
  exec env -i container=lab PATH="$PATH" SYSTEMD_UNIT_PATH="$at/units" \
    /lib/systemd/systemd --system --log-target=null --show-status=no
fi

[ -x /lib/systemd/systemd ] || cannot 'systemd is not installed'
mkdir -p "$at/run/dbus" "$at/run/sshd" "$at/cgroup"
may mount -t cgroup2 none "$at/cgroup"
here=$(sed -n 's/^0:://p' /proc/self/cgroup)
cgroup=$at/cgroup${here%/}/noctule-lab-$$
# A signal may come before it has begun, and must not leave the cgroup behind.
machine=
ended=
trap 'ended=1; [ -z "$machine" ] || kill -KILL $machine 2>/dev/null' TERM
may mkdir "$cgroup"
# Its own cgroup first: that becomes the root of what it sees. It is killed when this ends, and all of
# its processes with it.
sh -c 'echo $$ >"$0/cgroup.procs" && exec setpriv --pdeathsig KILL unshare --cgroup --pid --fork --kill-child \
  --mount --mount-proc --net --ipc --uts sh "$1" "$2" inside' "$cgroup" "$0" "$at" &
machine=$!
[ -z "$ended" ] || kill -KILL $machine 2>/dev/null
echo "$machine" >"$at/unshare.pid"
wait $machine
code=$?
trap '' TERM
# A second time, where the first was ended by the signal.
wait $machine 2>/dev/null
left=50
until find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || [ $left = 0 ]; do
  left=$((left - 1))
  sleep 0.02
done
exit $code
