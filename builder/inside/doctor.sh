program=$(readlink -f -- "$0")
stop() {
    echo "this runtime does not start here: $1" >&2
    exit 1
}
here=$(uname -m)
[ "$here" = "@MACHINE@" ] || stop "it is for @MACHINE@, and this machine is $here"
if [ ! -e "@LOADER@" ]; then
    for musl in /lib/ld-musl-*; do
        [ ! -e "$musl" ] || stop "it needs glibc @FLOOR@ or newer, and this system has musl"
    done
    stop "it needs glibc @FLOOR@ or newer, and there is no @LOADER@"
fi
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>/dev/null | head -n 1)
glibc=${glibc##* }
case $glibc in
2.*[!0-9.]* | [!2]* | '') ;; # nobody knows: Python will say it
*)
    second=${glibc#2.}
    floor=@FLOOR@
    [ "${second%%.*}" -ge "${floor#2.}" ] || stop "it needs glibc @FLOOR@ or newer, and this is $glibc"
    ;;
esac
exec "${program%/*}/python3" -I "$program" "$@"
# No sh from here on: sh ends above, and whatever checks its syntax skips the rest.
: <<'zip'
