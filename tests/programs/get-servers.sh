#!/usr/bin/env bash
# Gets the servers that the tests talk to, where the machine has none: Debian's packages of Redis and PostgreSQL, with
# whatever they need that is not installed, are downloaded and unpacked into the folder that is the first argument.
# Needs no root and changes nothing else on the machine. Where a server cannot be had, says so and goes on: the tests
# of that server then fail on continuous integration, and are skipped elsewhere.
set -uo pipefail
mkdir -p "${1:?the folder to unpack into}" && folder=$(cd "$1" && pwd) || exit

have() { # name of the program: on the PATH, where Debian installs it, or unpacked before?
    command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null ||
        compgen -G "$folder/usr/bin/$1" >/dev/null || compgen -G "$folder/usr/lib/postgresql/*/bin/$1" >/dev/null
}

get() { # name of the package
    # Lists and archives of our own: the machine's may be missing, old, or only for root to write.
    local options=(
        -qq -o Debug::NoLocking=1 -o APT::Sandbox::User= -o APT::Install-Recommends=0
        -o Dir::State::Lists="$folder/apt/lists" -o Dir::Cache="$folder/apt" -o Dir::Cache::Archives="$folder/apt/$1"
    )
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/$1/partial"
    apt-get "${options[@]}" update && apt-get "${options[@]}" --yes --download-only install "$1" || return
    local archive
    for archive in "$folder/apt/$1"/*.deb; do
        dpkg-deb --extract "$archive" "$folder" || return
    done
}

for server in redis-server:redis-server postgres:postgresql; do
    program=${server%:*} package=${server#*:}
    have "$program" && continue
    echo "Getting $program from Debian's package $package"
    if ! { command -v apt-get && command -v dpkg-deb; } >/dev/null; then
        echo "There is no $program on this machine, and no apt-get to get it with: install $package" >&2
    elif ! get "$package" || ! have "$program"; then
        echo "There is no $program on this machine, and apt-get could not get it: install $package" >&2
    fi
done
rm -rf "$folder/apt"
