#!/bin/sh
# Install what is missing of these groups of packages.txt.  usage: install.sh GROUP...
#
# No service that comes with a package is started, now or at the next boot: the tests start what
# they need themselves, as the user who runs them.
set -eu
cd "$(dirname "$0")"

wanted=
for group; do
	wanted="$wanted $(sed -n "s/^$group: *//p" packages.txt)"
done
missing=
for package in $wanted; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! grep -qx 'ID=debian' /etc/os-release || ! grep -q '^VERSION_ID="12' /etc/os-release; then
	echo "packages are installed by themselves on Debian 12 only" >&2
	echo "missing here, by their names there:$missing" >&2
	exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null; then
		echo "not root, and there is no sudo; as root: apt-get install$missing" >&2
		exit 1
	fi
fi

apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
		-o Dpkg::Use-Pty=0 "$@"
}

# policy-rc.d is what Debian's packages ask before they start a service; 101 means no.
policy=/usr/sbin/policy-rc.d
ours=
if [ ! -e $policy ] && [ ! -L $policy ]; then
	ours=yes
fi
log=
# shellcheck disable=SC2317 # called by trap
clean_up() {
	[ -z "$log" ] || rm -f "$log"
	[ -z "$ours" ] || $as_root rm -f $policy
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -n "$ours" ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
fi

echo "installing$missing" >&2
before=" $(echo /etc/init.d/*) "
log=$(mktemp)
# shellcheck disable=SC2086
install() {
	apt install --no-install-recommends $missing
}
if ! install >"$log" 2>&1 && ! { apt update && install; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
for script in /etc/init.d/*; do
	case "$before" in
	*" $script "*) ;;
	*)
		service=${script##*/}
		$as_root update-rc.d "$service" disable >/dev/null 2>&1 || true
		$as_root service "$service" stop >/dev/null 2>&1 || true
		;;
	esac
done
