#!/bin/sh
# Build the Debian package out of the tree as it stands: build/deb/landed_VERSION_ARCH.deb
#
# debhelper wants debian/ at the top and leaves its work there, so it gets a copy of the tree.
set -eu
cd "$(dirname "$0")/.."

out=build/deb
tree=$out/tree
rm -rf $out
mkdir -p $tree
tar --exclude=./build --exclude-vcs -cf - . | tar -xf - -C $tree
cp -r packaging/debian $tree/debian

version=$(sed -n 's/^project(landed VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
if [ "$version" != "$(dpkg-parsechangelog -l $tree/debian/changelog -S Version)" ]; then
	echo "deb.sh: CMakeLists.txt says $version, packaging/debian/changelog another version" >&2
	exit 1
fi
(cd $tree && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage --build=binary --no-sign)
rm -rf $tree
echo
ls $out/*.deb
