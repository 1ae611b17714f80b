# Sourced by the other scripts. `environment SET...` brings the virtual environment up to what requirements/SET.txt pins.
#
# DUYGU_VENV       where the virtual environment is (.venv)
# PYTHON           the Python 3.11 or newer that makes it
# DUYGU_TEST_DATA  a folder with extra recordings and stills; see `extra_data` below
#
# A script that is called with --help prints the comment at its beginning, and installs nothing.
set -euo pipefail
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p;}}' "$0"
    exit
    ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=${DUYGU_VENV:-$PWD/.venv}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 python3 python3.12 python3.13 python3.14}; do
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer with venv is needed (on Debian: apt install python3-venv). PYTHON names another one." >&2
  return 1
}

# A stamp in the virtual environment holds the text of what was installed last; an interrupted install leaves a mark.
install() {
  local name=$1 stamp=$venv/installed-$1 text=$2
  shift 2
  [ "$(cat "$stamp" 2>/dev/null)" != "$text" ] || return 0
  [ "$name" = project ] || echo "Installing what \`$name\` needs into $venv; only the first time takes a while." >&2
  if [ -e "$venv/unfinished" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$(find_python)" -m venv --clear "$venv"
  fi
  touch "$venv/unfinished"
  PYTHONWARNINGS=ignore "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --retries 10 "$@" >&2
  printf %s "$text" >"$stamp"
  rm "$venv/unfinished"
}

# The folders of the package are links, which Git for Windows and some unpackers write as files with a path.
check_links() {
  local link
  for link in duygu/models duygu/services duygu/shared duygu/training; do
    if [ ! -d "$link" ]; then
      echo "$link is no link to a folder. Clone with the Git of Linux or macOS (on Windows, that of WSL), or run:" >&2
      echo "  git config core.symlinks true && git checkout -- duygu" >&2
      return 1
    fi
  done
}

environment() {
  check_links
  locked install_sets "$@"
}

# Scripts that start at the same time install one after the other, where there is flock (Linux).
locked() {
  mkdir -p "$(dirname "$venv")"
  if command -v flock >/dev/null; then
    (flock 9 && "$@") 9>"$venv.lock"
  else
    "$@"
  fi
}

install_sets() {
  local set hashes
  for set in "$@"; do
    hashes=()
    ! grep -q -- --hash= "requirements/$set.txt" || hashes=(--require-hashes)
    install "$set" "$(cat "requirements/$set.txt")" "${hashes[@]}" --requirement "requirements/$set.txt"
  done
  install project "$PWD $(cat pyproject.toml requirements/*.in)" --no-deps --no-build-isolation --editable .
}

# Installs the compiler of clients/typescript beside the packages of Python, of the version in its package.json and with
# this SHA-512. Without npm, or without its registry, the tests of that client are skipped.
typescript() {
  locked install_typescript
}

install_typescript() {
  local version sum=jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw== folder
  version=$(sed -n 's/.*"typescript": "\([0-9.]*\)".*/\1/p' clients/typescript/package.json)
  [ "$(cat "$venv/typescript/sum" 2>/dev/null)" != "$version $sum" ] || return 0
  folder=$(mktemp -d "$venv/typescript-XXXXXX")
  if npm pack "typescript@$version" --pack-destination "$folder" --silent --fetch-retries 3 >/dev/null </dev/null &&
    "$venv/bin/python" - "$folder/typescript-$version.tgz" "$sum" <<'PYTHON' &&
import base64, hashlib, pathlib, sys
found = hashlib.sha512(pathlib.Path(sys.argv[1]).read_bytes()).digest()
sys.exit(f"the archive of TypeScript has the SHA-512 {base64.b64encode(found).decode()}" if found != base64.b64decode(sys.argv[2]) else 0)
PYTHON
    tar -xzf "$folder/typescript-$version.tgz" -C "$folder"; then
    echo "$version $sum" >"$folder/package/sum"
    rm -rf "$venv/typescript"
    mv "$folder/package" "$venv/typescript"
  else
    echo "The TypeScript compiler could not be installed; the tests of clients/typescript are skipped." >&2
  fi
  rm -rf "$folder"
}

# Names the extra data for tests and benchmarks: ../shared/data where that exists and nothing else is named.
# DUYGU_TEST_DATA= (empty) leaves it out. Nothing else in the repository refers to a path outside it.
extra_data() {
  if [ -z "${DUYGU_TEST_DATA+set}" ] && [ -d ../shared/data ]; then
    export DUYGU_TEST_DATA=$PWD/../shared/data
  fi
}
