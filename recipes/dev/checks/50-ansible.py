"""Ansible's commands answer from bin/, and a playbook's simplest task runs on localhost."""

import os
import subprocess

commands = os.path.join(os.environ["PRT_ROOT"], "bin")
for command in ("ansible", "ansible-playbook", "ansible-galaxy"):
    subprocess.run([os.path.join(commands, command), "--version"], check=True, stdout=subprocess.DEVNULL)
ping = subprocess.run(
    [os.path.join(commands, "ansible"), "localhost", "-c", "local", "-m", "ping"],
    check=True, capture_output=True, text=True,
)  # fmt: skip
assert '"ping": "pong"' in ping.stdout, ping.stdout
