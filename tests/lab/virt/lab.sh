# The ground that the hosts of the lab stand on: a namespace of processes, and in it two of mounts and
# names, one a host, whose places of libvirt are the folders etc, lib, cache, log and run in FOLDER/HOST.
# Network and files are those of this machine. Called as `bash lab.sh FOLDER`; it lasts until its
# standard input ends, in whatever way its caller does, and then all processes in it are killed and FOLDER
# is removed. Ends with 77 where that cannot be, after a line `cannot: WHY`.
set -u
at=$1

cannot() {
  echo "cannot: $*"
  exit 77
}

may() {
  said=$("$@" 2>&1) || cannot "$*: $said"
}

case ${2:-} in
  '')
    [ -e "$at/lab" ] || cannot "$at is no folder of the lab"
    unshare --pid --fork bash "$0" "$at" inside
    code=$?
    rm -rf -- "$at"
    exit $code
    ;;
  inside)
    # Process 1 of the namespace. It is bash because that reaps whatever is orphaned here: libvirtd takes an
    # emulator that nobody waits for to be alive.
    for host in a b; do unshare --mount --uts bash "$0" "$at" "$host" </dev/null & done
    while read -r _; do :; done
    ;;
  *)
    host=$at/$2
    # Its id as the rest of this machine has it: /proc is still theirs.
    read -r id _ </proc/self/stat
    may mount --make-rprivate /
    may mount -t proc proc /proc
    may mount -t tmpfs -o mode=755 run /run
    may mkdir /run/libvirt /run/lock /run/sshd
    may hostname "lab-$2"
    may mount --bind "$host/run" /run/libvirt
    may mount --bind "$host/etc" /etc/libvirt
    # The package that has these users and folders also has services: it need not be installed. libvirtd wants
    # the users even where its configuration names others.
    for file in passwd group; do
      grep -q '^libvirt-qemu:' "/etc/$file" && continue
      cp "/etc/$file" "$host/$file"
      case $file in
        passwd) echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' ;;
        group) echo 'libvirt-qemu:x:64055:' ;;
      esac >>"$host/$file"
      may mount --bind "$host/$file" "/etc/$file"
    done
    for place in lib cache log; do
      [ -d "/var/$place/libvirt" ] || {
        may mount -t tmpfs -o mode=755 var "/var/$place"
        may mkdir "/var/$place/libvirt"
      }
      may mount --bind "$host/$place" "/var/$place/libvirt"
    done
    echo "$id" >"$host/id.new"
    mv "$host/id.new" "$host/id"
    exec sleep infinity
    ;;
esac
