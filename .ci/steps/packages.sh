# The steps that build with packages, ours or those of a newer Debian, and how packages get here. .ci/run reads this file.

title_package="the reference, and a small program by every road to the library: CMake, pkg-config, Debian, single header, vcpkg, Conan"
step_package() {
    cmake "-DBUILD_DIR=$work/docs" -P cmake/docs.cmake
    cmake -DWORK_DIR="$work/package" -DCMAKE_CXX_COMPILER=g++ -DSECOND_COMPILER="$clang" -P tests/package/run.cmake
}

title_libraries="Debian 13's asio, fmt and Catch2 for the steps asan and debian13"
step_libraries() {
    debian13_packages "$work/debian13"
}

# The step asan builds all examples with that asio.
title_debian13="g++ with Debian 13's asio, fmt and Catch2, by the fetching option: the tests of awaiting, and two examples"
step_debian13() {
    [ -e "$work/debian13/complete" ] || skip "Debian 13's libraries are not here (step libraries)"
    local libraries
    mapfile -t libraries < <(debian13_options)
    cmake -S . -B "$work/debian13/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "$debug" -DCOMOQ_WERROR=ON \
        -DCOMOQ_CHECK_HEADERS=OFF -DCOMOQ_BUILD_SCHEDULES=OFF \
        "-DCOMOQ_TESTS=operation*.cpp;pending.cpp;detail/wait/wait_*.cpp;detail/wait/plain_awaiter.cpp" "${libraries[@]}"
    cmake --build "$work/debian13/build" --target comoq_tests request_broadcast media_relay tests/modules/all
    ctest --test-dir "$work/debian13/build" --no-tests=error -LE soak \
        -E '^examples: (network|announce_watch|catalog_on_demand|time_shift|guide|wrong)'
}

# Debian 13's asio and the sources of its fmt and Catch2, whose libraries need a newer system than Debian 12.
debian13_packages() {  # DIRECTORY
    local apt_options
    this_suite
    [ "$VERSION_CODENAME" != trixie ] || skip "this is Debian 13: the other steps use its libraries"
    apt_of "$1" trixie deb deb-src
    (
        cd "$1" &&
        apt-get "${apt_options[@]}" download libasio-dev &&
        dpkg-deb -x libasio-dev_*.deb asio &&
        apt-get "${apt_options[@]}" source fmtlib catch2 &&
        touch complete
    ) || skip "Debian 13's packages cannot be fetched: is there no network?"
}

# The options that make CMake use them, one per line.
debian13_options() {
    printf '%s\n' -DCOMOQ_FETCH_DEPS=ON -DFETCHCONTENT_FULLY_DISCONNECTED=ON \
        "-DFETCHCONTENT_SOURCE_DIR_ASIO=$work/debian13/asio/usr" \
        "-DFETCHCONTENT_SOURCE_DIR_FMT=$(echo "$work"/debian13/fmtlib-*/)" \
        "-DFETCHCONTENT_SOURCE_DIR_CATCH2=$(echo "$work"/debian13/catch2-*/)"
}

# Sets VERSION_CODENAME, of a Debian.
this_suite() {
    ID=
    [ ! -e /etc/os-release ] || . /etc/os-release
    [ "$ID" = debian ] && command -v apt-get >/dev/null || skip "this is not Debian"
}

# Sets apt_options, with which apt-get takes packages of another suite, from the mirror that this machine uses, with lists and a
# cache in DIRECTORY, which is emptied. After this_suite.
apt_of() {  # DIRECTORY SUITE KIND...
    local directory=$1 suite=$2 kind uri key=/usr/share/keyrings/debian-archive-keyring.gpg
    shift 2
    uri=$(apt-get indextargets --format '$(REPO_URI)' \
        "Created-By: Packages" "Release: $VERSION_CODENAME" "Component: main" | sed -n 1p)
    [ -e $key ] || key=
    [ -n "$uri" ] || skip "apt has no entry for Debian here"
    rm -rf "$directory"
    mkdir -p "$directory"/apt/lists/partial "$directory"/apt/cache/archives/partial
    for kind in "$@"; do echo "$kind ${key:+[signed-by=$key] }$uri $suite main"; done >"$directory"/apt/sources.list
    # Without the list of what is installed: those versions are not of the suite.
    apt_options=(
        -q
        -o "Dir::Etc::sourcelist=$directory/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::status=/dev/null
        -o "Dir::State::lists=$directory/apt/lists" -o "Dir::Cache=$directory/apt/cache"
        -o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=30
    )
    apt-get "${apt_options[@]}" -o APT::Update::Error-Mode=any update ||
        skip "the lists of Debian's $suite cannot be fetched: is there no network?"
}

# Unpacks the newest packages of those names, and of those that the pattern matches, of a suite of Debian, into DIRECTORY/root.
unpacked() {  # DIRECTORY SUITE PATTERN NAME...
    local directory=$1 suite=$2 pattern=$3 package apt_options
    shift 3
    apt_of "$directory" "$suite" deb
    (
        cd "$directory" &&
        apt-get "${apt_options[@]}" download "$@" $(apt-cache "${apt_options[@]}" search --names-only "$pattern" | cut -d' ' -f1) &&
        for package in *.deb; do dpkg-deb -x "$package" root; done
    ) || skip "packages of Debian's $suite cannot be fetched: is there no network?"
}

# The later steps need more than the README's commands install. A missing tool shows in the steps that need it.
install_tools() {
    command -v apt-get >/dev/null || return 0
    local package missing=()
    for package in cmake git g++ ninja-build pkg-config libasio-dev libfmt-dev catch2 libbenchmark-dev libwslay-dev libssl-dev \
        nlohmann-json3-dev zlib1g-dev libtomlplusplus-dev ffmpeg \
        dpkg-dev doxygen "clang-${clang##*-}" "libclang-rt-${clang##*-}-dev" "llvm-${clang##*-}" "clang-${oldest_clang##*-}"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    # By their commands: they also come from elsewhere.
    for package in nodejs:node npm:npm chromium:chromium; do
        command -v "${package#*:}" >/dev/null || missing+=("${package%:*}")
    done
    python3 -c "import ensurepip" 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -gt 0 ] || return 0
    as_root apt-get -q update || true
    for package in "${missing[@]}"; do
        as_root apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$package" ||
            echo "could not install $package"
    done
}
