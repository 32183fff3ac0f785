# Builds the guest of the lab from Debian packages: the cloud kernel, and an initrd of busybox and a few
# of that kernel's modules. Called as `sh guest.sh FOLDER`; FOLDER then holds `vmlinuz` and `initrd.gz`.
# It is written beside FOLDER and moved there when it is whole. Installs nothing.
set -eu
to=$1
here=$(cd "$(dirname "$0")" && pwd)
case $(ldd /bin/busybox 2>&1) in
  *'not a dynamic'* | *'statically linked'*) ;;
  *) echo 'busybox has to be a static one (Debian package busybox-static)' && exit 1 ;;
esac
work=$to.new.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/deb" "$work/root/lib/modules"
cd "$work/deb"

# The package that is only a name depends on the one with the kernel.
kernel() { LC_ALL=C apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: *\(linux-image-[^ ]*\)$/\1/p' | tail -n 1; }
download() { apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$1"; }
[ -n "$(kernel)" ] || apt-get update -qq
download "$(kernel)" || { apt-get update -qq && download "$(kernel)"; }
dpkg-deb -x linux-image-*.deb kernel
cp kernel/boot/vmlinuz-* ../vmlinuz

cd "$work/root"
mkdir -p bin sbin usr/bin usr/sbin dev proc sys tmp root etc mnt
cp /bin/busybox bin/busybox
cp "$here/guest/init" init
for name in login mark churn; do cp "$here/guest/$name" "bin/lab-$name"; done
chmod 755 init bin/*
for module in virtio virtio_ring virtio_pci virtio_pci_legacy_dev virtio_pci_modern_dev virtio_blk virtio_balloon \
  button evdev; do
  file=$(find "$work/deb/kernel" -name "$module.ko" | head -n 1)
  # What is built in has no file.
  [ -z "$file" ] || cp "$file" lib/modules/
done
# A password as at any login: noctule.
echo 'root:$1$lab$.nyaDc1Maz5uBu/E/MxCm/:0:0:root:/root:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
cat >etc/profile <<'PROFILE'
export PS1="root@$(hostname):\w# " TERM=vt100
PROFILE
cat >etc/inittab <<'INITTAB'
ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
tty1::respawn:/sbin/getty -n -l /bin/lab-login 38400 tty1 linux
::ctrlaltdel:/sbin/reboot
INITTAB
find . | LC_ALL=C sort | cpio -o -H newc --quiet | gzip -n -1 >../initrd.gz
cd "$work"
rm -rf deb root
mv -T "$work" "$to" 2>/dev/null || [ -s "$to/initrd.gz" ]
