"""What `python -m asyncio ps` lists of a process that waits in a task with a name."""

import subprocess
import sys

WAITS = """
import asyncio

async def main():
    task = asyncio.create_task(asyncio.sleep(60), name="a task to find")
    await asyncio.sleep(0)
    print("waiting", flush=True)
    await task

asyncio.run(main())
"""
with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE) as waiting:
    try:
        assert waiting.stdout
        waiting.stdout.readline()
        sys.exit(subprocess.run([sys.executable, "-m", "asyncio", "ps", str(waiting.pid)], check=False).returncode)
    finally:
        waiting.kill()
