"""ncurses: at a terminal of its own, wide characters, panels, keys, and more colours than fit a byte."""

import curses
import curses.panel
import locale
import os
import pty
import sys
import termios


def draw(screen: "curses.window") -> None:
    """Use the screen."""
    curses.start_color()
    screen.addstr(0, 0, "茶 tea é")
    assert screen.instr(0, 0, 7) == "茶 tea".encode()[:7], screen.instr(0, 0, 7)
    curses.unget_wch("茶")
    assert screen.get_wch() == "茶"
    screen.keypad(True)
    assert screen.getch() == curses.KEY_UP
    assert curses.has_extended_color_support()
    curses.init_pair(300, 200, 17)
    assert curses.pair_content(300) == (200, 17)
    panel = curses.panel.new_panel(curses.newwin(2, 10, 1, 1))
    panel.hide()
    assert curses.panel.top_panel() is None or panel.hidden()
    curses.panel.update_panels()
    curses.doupdate()


locale.setlocale(locale.LC_ALL, "C.UTF-8")
os.environ.update(TERM="xterm-256color", ESCDELAY="1000")
child, terminal = pty.fork()
if not child:
    termios.tcsetwinsize(0, (24, 80))
    curses.wrapper(draw)
    sys.exit(0)
os.write(terminal, b"\x1bOA")
shown = b""
try:
    while piece := os.read(terminal, 1000):
        shown += piece
except OSError:  # the other side is closed
    pass
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown.decode()
assert "茶".encode() in shown
