"""Peers in an environment of their own, each measurement in a process of its own."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".venv-peers"


def install(*requirements: str) -> Path:
    """The Python of the peers' environment, with these packages in it."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        venv.create(PEERS, with_pip=True)
    marker = PEERS / "installed.txt"
    installed = set(marker.read_text().split()) if marker.exists() else set()
    missing = sorted(set(requirements) - installed)
    if missing:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *missing], check=True)
        marker.write_text("\n".join(sorted(installed | set(missing))))
    return python


def run(python: Path, module: str, *arguments: str) -> Any:
    """What `python -m module arguments` prints as JSON in its last line."""
    # the peers' environment has no glassgrad in it: our modules are found through the path
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    command = [str(python), "-m", module, *arguments]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


OURS = Path(sys.executable)
