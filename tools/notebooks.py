"""Runs every notebook anew and saves what it shows: `make notebooks`.

A notebook is a pair. The `.py` (jupytext's percent format) is the one to edit; its `.ipynb` twin is
the same cells with the outputs of a run, for those who read it without running it.
"""

import sys
from pathlib import Path
from typing import Any

import jupytext  # type: ignore[import-untyped]  # ships no type hints
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS_PER_CELL = 120

# Jupyter shows a Drawing as SVG, but not every site that shows notebooks lets an SVG through. So
# the saved twin has PNG: two thirds of its pixels wide, as the SVG is, to be sharp; and in 256
# colours, enough for its few hues and a third of the size
DRAWINGS_AS_PNG = """
def _png(drawing):
    import io, tempfile
    from PIL import Image
    with tempfile.TemporaryDirectory() as folder:
        picture = Image.open(drawing.save(folder + "/drawing.png")).convert("RGB")
    file = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return file.getvalue(), {"width": picture.width * 2 // 3}

get_ipython().display_formatter.formatters["image/png"].for_type_by_name(
    "autograd.graph.drawing", "Drawing", _png)
del _png
"""


def sources() -> list[Path]:
    """The notebooks' sources, in the order of the course."""
    return sorted(FOLDER.glob("*.py"))


def executed(source: Path) -> Any:
    """The notebook with its outputs, run in its own folder by a new kernel of this interpreter.

    Raises nbclient.exceptions.CellExecutionError where a cell does.
    """
    notebook = jupytext.read(source)
    # No folders to search: a kernel "python3" registered on the machine may be another interpreter
    specs = KernelSpecManager(kernel_dirs=[])
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs),
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        store_widget_state=False,  # a widget lives as long as its kernel; what stays is its HTML
        coalesce_streams=True,  # how a stream is cut into messages is a matter of timing
        extra_arguments=[
            "--log-level=ERROR",
            # Warnings of C libraries, say of fonts, tell of the machine and not of the notebook
            "--IPKernelApp.capture_fd_output=False",
            f"--IPKernelApp.exec_lines={DRAWINGS_AS_PNG}",
        ],
        resources={"metadata": {"path": str(source.parent)}},
    )
    client.execute(cleanup_kc=True)  # by default only of a kernel manager of its own making
    return _reproducible(notebook)


def _reproducible(notebook: Any) -> Any:
    """Without what differs from run to run, or between two versions of Python."""
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for i, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{i:02}"
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data.pop("image/svg+xml", None)
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def main() -> int:
    """Execute and save them all."""
    for source in sources():
        twin = source.with_suffix(".ipynb")
        jupytext.write(executed(source), twin)
        print("wrote", twin.relative_to(FOLDER.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
