"""DOT text to SVG, PNG or PDF: by the `dot` program, else by pygraphviz inside this process."""

import subprocess

from autograd.errors import RenderError

PIXELS_PER_INCH = 144


def render(dot: str, file_type: str) -> bytes:
    """The picture of that type: svg, png or pdf. Raises RenderError."""
    # For png alone: an SVG's size in points is right as it is
    resolution = [f"-Gdpi={PIXELS_PER_INCH}"] if file_type == "png" else []
    command = ["dot", f"-T{file_type}", *resolution]
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True)
    except FileNotFoundError:
        return _in_process(dot, file_type, resolution)
    if done.returncode != 0 or not done.stdout:
        raise RenderError(
            f"{' '.join(command)} failed: {done.stderr.decode(errors='replace').strip()}", dot
        )
    return done.stdout


def _in_process(dot: str, file_type: str, resolution: list[str]) -> bytes:
    try:
        import pygraphviz
    except ImportError as e:
        raise RenderError(
            "no `dot` program on the PATH, and no pygraphviz to lay out the graph without it; "
            "pip install 'pygraphviz>=2.0.4', or install Graphviz (https://graphviz.org/download). "
            "the DOT text is there all the same: draw(...).save('graph.dot')",
            dot,
        ) from e
    try:
        graph = pygraphviz.AGraph(string=dot)
        picture: bytes = graph.draw(format=file_type, prog="dot", args=" ".join(resolution))
    except (ValueError, OSError, RuntimeError) as e:
        raise RenderError(f"pygraphviz failed: {e}", dot) from e
    return picture
