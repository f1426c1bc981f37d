#!/bin/sh
# What somebody sees who clones the project onto a bare Debian 12: ./dev build, demo, check in a
# fresh root directory, as root.  usage: chroot-check.sh [WORD...]
#
# Packages come from where this machine's apt gets them. The bare system is kept for the next run in
# ${TMPDIR:-/tmp}/landed-bookworm.tar.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- build demo check

scratch=${TMPDIR:-/tmp}
base=$scratch/landed-bookworm.tar
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
	echo "chroot-check.sh: needs root and debootstrap" >&2
	exit 1
fi

# Everything that runs inside lives in a process and mount namespace of its own: the first one's
# death takes all of it along, mounts too, and nothing of the machine hangs below $root.
root=
inside=
# shellcheck disable=SC2317 # called by trap
clean_up() {
	[ -z "$inside" ] || kill -KILL "$inside" 2>/dev/null || true
	[ -z "$inside" ] || wait "$inside" 2>/dev/null || true
	[ -z "$root" ] || rm -rf --one-file-system "$root"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
in_background() {
	"$@" &
	inside=$!
	status=0
	wait "$inside" || status=$?
	inside=
	return "$status"
}
root=$(mktemp -d "$scratch/landed-chroot.XXXXXX")

# shellcheck disable=SC2016 # apt's variables, not the shell's
sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' \
	'Created-By: Packages' 'Origin: Debian' | grep -E ' bookworm(-updates|-security)? ' | sort -u)
mirror=$(echo "$sources" | awk '$3 == "bookworm" { print $2; exit }')
if [ -z "$mirror" ]; then
	echo "chroot-check.sh: apt here knows no Debian bookworm; is apt-get update due?" >&2
	exit 1
fi
if [ ! -e "$base" ]; then
	echo "== the bare system, from $mirror"
	in_background debootstrap --variant=minbase --include=ca-certificates \
		bookworm "$root" "$mirror" >"$base.log" 2>&1 || {
		tail -n 20 "$base.log" >&2
		exit 1
	}
	rm "$base.log"
	tar -C "$root" -cf "$base.$$" .
	mv "$base.$$" "$base"
else
	tar -C "$root" -xf "$base"
fi
chmod 755 "$root"

# How this machine reaches its packages: sources, proxies, certificates, names.
echo "$sources" >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^(Acquire::(https?|Check-|Retries|Languages)|Acquire::IndexTargets::)' \
	>"$root/etc/apt/apt.conf.d/90host" || true
sed -n 's/^Acquire::https.*"\(\/.*\)";$/\1/p' "$root/etc/apt/apt.conf.d/90host" |
while read -r file; do
	[ ! -f "$file" ] || install -D "$file" "$root$file"
done
cp /etc/resolv.conf /etc/hosts "$root/etc/"

git clone --quiet --no-local . "$root/src/landed"
echo "== $(git -C "$root/src/landed" log -1 --format='%h %s')"

status=0
for word; do
	echo "== ./dev $word"
	began=$(date +%s)
	verdict=ok
	# shellcheck disable=SC2016
	in_background unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		exec chroot "$1" env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
			${http_proxy+"http_proxy=$http_proxy"} ${https_proxy+"https_proxy=$https_proxy"} \
			${no_proxy+"no_proxy=$no_proxy"} "/src/landed/dev" "$2"
	' sh "$root" "$word" || verdict="FAILED ($?)"
	results="${results:-}$(printf '%5ss  %-13s  ./dev %s' $(($(date +%s) - began)) "$verdict" "$word")
"
	[ "$verdict" = ok ] || status=1
done
if [ -n "$(git -C "$root/src/landed" status --short)" ]; then
	git -C "$root/src/landed" status --short
	results="$results        FAILED         the tree is not clean afterwards
"
	status=1
fi
printf '\n== in a bare Debian 12\n%s' "$results"
exit $status
