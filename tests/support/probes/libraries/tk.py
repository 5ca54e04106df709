"""Tcl/Tk on a display: windows, widgets, fonts, pictures, events and threads; a rectangle is left for who looks.

Arguments: the colour of that rectangle, and for how many seconds it is shown.
"""

import sys
import threading
import tkinter
from tkinter import font, ttk

colour, seconds = sys.argv[1], float(sys.argv[2])
assert tkinter.Tcl().eval("info patchlevel").startswith("9.0.")
assert tkinter.Tcl().eval("clock format 0 -gmt 1 -format %Y") == "1970"  # reads what is in the zip file

root = tkinter.Tk()
heard: list[str] = []
ttk.Style().theme_use("clam")
button = ttk.Button(root, text="Tee, thé, 茶", command=lambda: heard.append("pressed"))
label = tkinter.Label(root, text="tea", font=("Helvetica", 24))
entry = tkinter.Entry(root)
canvas = tkinter.Canvas(root, width=200, height=100, highlightthickness=0)
canvas.create_rectangle(0, 0, 200, 100, fill=colour, width=0)
for widget in (button, label, entry, canvas):
    widget.pack()
canvas.wait_visibility()
assert label.winfo_width() > 10
assert font.nametofont("TkDefaultFont").measure("tea") > 3

picture = tkinter.PhotoImage(width=2, height=2)
picture.put("#123456", (1, 1))
again = tkinter.PhotoImage(data=picture.data(format="png"))
assert again.get(1, 1) == (0x12, 0x34, 0x56)

button.event_generate("<Enter>")
button.event_generate("<ButtonPress-1>")
button.event_generate("<ButtonRelease-1>")
entry.focus_force()
root.update()
for letter in "tea":
    entry.event_generate("<Key>", keysym=letter)
root.update()
assert heard == ["pressed"]
assert entry.get() == "tea"

# Another thread asks: the main one answers in its loop.
thread = threading.Thread(target=lambda: heard.append(entry.get()))
root.after(0, thread.start)
root.after(int(seconds * 1000), root.quit)
root.mainloop()
thread.join(10)
assert heard == ["pressed", "tea"]
