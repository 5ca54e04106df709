"""libedit or GNU readline: history, completion and key bindings, as far as they need no terminal."""

import readline
import tempfile
from pathlib import Path

readline.parse_and_bind("bind ^I rl_complete" if readline.backend == "editline" else "tab: complete")
readline.set_completer(str.upper)
assert readline.get_completer() is str.upper
readline.set_completer_delims(" ")
assert readline.get_completer_delims() == " "
for line in ("green tea", "茶", "cake"):
    readline.add_history(line)
first = 1 if readline.get_history_item(1) else 0
readline.remove_history_item(0)
assert [readline.get_history_item(number) for number in (first, first + 1)] == ["茶", "cake"]
with tempfile.TemporaryDirectory() as folder:
    kept = Path(folder, "history")
    readline.write_history_file(kept)
    readline.clear_history()
    assert readline.get_current_history_length() == 0
    readline.read_history_file(kept)
assert readline.get_current_history_length() == 2
