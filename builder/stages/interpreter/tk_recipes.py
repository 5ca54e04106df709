"""How Tcl/Tk is built, and what it speaks to a display with: X11's libraries are static, and inside Tk's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from builder.stages.interpreter.compiler import DEPS
from builder.stages.interpreter.configure import BUILD_PREFIX, LINKER
from builder.stages.interpreter.library import MAKE, Command, LibraryRecipe, Toolset, install

TCL, TK = "libtcl9.0.so", "libtcl9tk9.0.so"
# Folders in DEPS of what they read when they start, by the names by which Tcl finds it in a zip file (tk.py).
TCL_SCRIPTS, TK_SCRIPTS = "tcl_library", "tk9.0"

# A prefix that says nothing of the build machine, and where no other Tcl has packages.
_PREFIX = "--prefix=/usr/lib/runtime-tcl"
# The extensions of X11 that libxcb has by default. What Tk calls needs none of them.
_EXTENSIONS = """
    composite damage dbe dpms dri2 dri3 ge glx present randr record render resource screensaver selinux shape shm sync
    xevie xfixes xfree86-dri xinerama xinput xkb xprint xtest xv xvmc
""".split()

# It leaves no bytecode, which would have the date of the build.
_PYTHON = {"PYTHON": f"{BUILD_PREFIX}/bin/python3", "PYTHONDONTWRITEBYTECODE": "1"}


def _headers(tools: Toolset) -> Iterator[Command]:
    yield ("cp", "-R", "usr/include/.", f"{DEPS}/include/")


def _xcb_proto(tools: Toolset) -> Iterator[Command]:
    yield ("mkdir", "-p", f"{DEPS}/share")
    yield ("cp", "-R", "usr/share/xcb", f"{DEPS}/share/")


def _xcbgen(tools: Toolset) -> Iterator[Command]:
    yield ("mkdir", "-p", f"{DEPS}/share")
    yield ("cp", "-R", "usr/lib/python3/dist-packages/xcbgen", f"{DEPS}/share/")


def _libxau(tools: Toolset) -> Iterator[Command]:
    yield ("./configure", *tools.static)
    yield (*MAKE, "libXau.la")
    yield ("make", "install-libLTLIBRARIES", "install-xauincludeHEADERS")


def _libxcb(tools: Toolset) -> Iterator[Command]:
    yield ("./configure", *tools.static, *(f"--disable-{name}" for name in _EXTENSIONS), "--without-doxygen")
    described = (f"XCBPROTO_XCBINCLUDEDIR={DEPS}/share/xcb", f"XCBPROTO_XCBPYTHONDIR={DEPS}/share")
    yield (*MAKE, "-C", "src", *described)
    yield ("make", "-C", "src", "install", *described)


def _libx11(tools: Toolset) -> Iterator[Command]:
    # It reads the system's data, if there is any; it loads no library of the system, which would bring another libX11.
    yield (
        "./configure", *tools.static, "--datadir=/usr/share", f"--with-keysymdefdir={DEPS}/include/X11",
        "--with-locale-lib-dir=/usr/lib/runtime-x11", "--disable-loadable-i18n", "--disable-loadable-xcursor",
        "--disable-xf86bigfont", "--disable-specs", "--disable-malloc0returnsnull",
    )  # fmt: skip
    for folder in ("include", "modules", "src"):
        yield (*MAKE, "-C", folder)
    for folder in ("include", "src"):
        yield ("make", "-C", folder, "install")


def _tcl(tools: Toolset) -> Iterator[Command]:
    yield ("unix/configure", *_cross(tools))
    yield (*MAKE, TCL, "libtclstub.a")
    # Tk is compiled with its private headers.
    folders = (f"{name}INCLUDE_INSTALL_DIR={DEPS}/include" for name in ("", "PRIVATE_"))
    yield ("make", "install-headers", "install-private-headers", *folders)
    yield install("lib", TCL, "libtclstub.a", "tclConfig.sh")
    yield ("rm", "-r", "library/dde", "library/registry")  # of Windows
    yield ("mv", "library/manifest.txt", "library/pkgIndex.tcl")
    yield ("cp", "-R", "library", f"{DEPS}/{TCL_SCRIPTS}")


def _tk(tools: Toolset) -> Iterator[Command]:
    yield (
        "unix/configure", *_cross(tools), f"--with-tcl={DEPS}/lib", f"--x-includes={DEPS}/include",
        f"--x-libraries={DEPS}/lib", "--disable-xft", "--disable-xss", "--disable-libcups",
    )  # fmt: skip
    yield (*MAKE, TK)
    yield ("make", "install-headers", f"INCLUDE_INSTALL_DIR={DEPS}/include")
    yield install("lib", TK)
    yield ("rm", "-r", "library/demos")
    yield ("cp", "-R", "library", f"{DEPS}/{TK_SCRIPTS}")


def _cross(tools: Toolset) -> Command:
    """What configure gets for either: the zip file is ours (tk.py)."""
    cross = (option for option in tools.cross if not option.startswith("--prefix"))
    return (*cross, _PREFIX, "--disable-rpath", "--disable-zipfs")


def _shared(tools: Toolset, name: str) -> dict[str, str]:
    """Variables of a shared library. It is stripped at once: a zip file is put behind it."""
    return {"LDFLAGS": " ".join((tools.env["LDFLAGS"], *LINKER, "-Wl,--strip-all", f"-Wl,-soname,{name}"))}


def _found(tools: Toolset, *names: str) -> dict[str, str]:
    """Variables by which a configure script of X11 asks no pkg-config where something is."""
    return {
        variable: value
        for name in names
        for variable, value in ((f"{name}_CFLAGS", f"-I{DEPS}/include"), (f"{name}_LIBS", f"-L{DEPS}/lib"))
    }


TK_RECIPES: Mapping[str, LibraryRecipe] = {
    "xorgproto": LibraryRecipe(_headers, ("usr/share/doc/x11proto-dev/copyright",)),
    "xtrans": LibraryRecipe(_headers, ("usr/share/doc/xtrans-dev/copyright",)),
    "xcb-proto": LibraryRecipe(_xcb_proto, ("usr/share/doc/xcb-proto/copyright",)),
    "xcbgen": LibraryRecipe(_xcbgen, ("usr/share/doc/python3-xcbgen/copyright",)),
    "libxau": LibraryRecipe(_libxau, ("COPYING",), more=lambda tools: _found(tools, "XAU"), needs=("xorgproto",)),
    "libxcb": LibraryRecipe(
        _libxcb,
        ("COPYING",),
        more=lambda tools: {**_found(tools, "NEEDED", "XCBPROTO"), **_PYTHON},
        needs=("xcb-proto", "xcbgen", "libxau"),
        python=True,
    ),
    "libx11": LibraryRecipe(_libx11, ("COPYING",), more=lambda tools: _found(tools, "X11"), needs=("xtrans", "libxcb")),
    "tcl": LibraryRecipe(
        _tcl, ("license.terms", "libtommath/LICENSE"), more=lambda tools: _shared(tools, TCL), needs=("zlib",)
    ),
    # What a static libX11 needs.
    "tk": LibraryRecipe(
        _tk,
        ("license.terms",),
        more=lambda tools: {**_shared(tools, TK), "LIBS": "-lxcb -lXau"},
        needs=("libx11", "tcl"),
    ),
}
TK_LIBRARIES = tuple(TK_RECIPES)
