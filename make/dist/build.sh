#!/usr/bin/env bash
# build.sh BINARY NFPM FOLDER: writes what people install into the folder: a Debian
# package, an archive, and their checksums. The same commit, version and Go make the
# same bytes: all times are those of the commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: $0 BINARY NFPM FOLDER" >&2; exit 2; }
binary=$(realpath "$1") nfpm=$(realpath "$2") folder=$(realpath -m "$3")
cd "$(dirname "$0")/../.."
umask 022

# v1.2.3-4-gabc-dirty of git describe is 1.2.3+4.gabc.dirty; what has no tag sorts
# before every release.
version=$("$binary" version | sed -n 's/^harborhook \([^,]*\),.*/\1/p')
case $version in
v[0-9]*) PACKAGE_VERSION=$(sed 's/^v//; s/-\([0-9]*\)-g/+\1.g/; s/-dirty/.dirty/; s/-/~/' <<<"$version") ;;
*) PACKAGE_VERSION="0~$(tr -c 'A-Za-z0-9.+~\n' '.' <<<"$version")" ;;
esac
ARCH=$(go env GOARCH)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export PACKAGE_VERSION ARCH SOURCE_DATE_EPOCH

STAGE=$(mktemp -d)
export STAGE
trap 'rm -rf "$STAGE"' EXIT
install -m 0755 "$binary" "$STAGE/harborhook"
mkdir -p "$folder"
rm -f "$folder"/harborhook_*.deb "$folder"/harborhook_*.tar.gz "$folder/SHA256SUMS"

"$nfpm" package --config make/dist/nfpm.yaml --packager deb --target "$folder/harborhook_${PACKAGE_VERSION}_$ARCH.deb" >&2

name="harborhook_${PACKAGE_VERSION}_linux_$ARCH"
mkdir -p "$STAGE/$name/docs"
mv "$STAGE/harborhook" "$STAGE/$name/"
cp -r README.md LICENSE CHANGELOG.md make/systemd make/registry make/prometheus make/grafana make/kubernetes make/harborhook.yml.example "$STAGE/$name/"
cp docs/*.md "$STAGE/$name/docs/"
chmod -R u=rwX,go=rX "$STAGE/$name"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$STAGE" -c "$name" | gzip -n >"$folder/$name.tar.gz"

(cd "$folder" && sha256sum harborhook_* >SHA256SUMS && cat SHA256SUMS)
