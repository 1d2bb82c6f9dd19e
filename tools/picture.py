"""Copy the README's picture, the first of the personas notebook, out of its outputs."""

import base64

import nbformat

from helpers.core import paths

book = nbformat.read(paths.ROOT / "notebooks/04_segment_personas.ipynb", as_version=4)
pictures = (
    output.data["image/png"]
    for cell in book.cells
    for output in cell.get("outputs", [])
    if "image/png" in output.get("data", {})
)
target = paths.ROOT / "reports/segments.png"
target.parent.mkdir(exist_ok=True)
target.write_bytes(base64.b64decode(next(pictures)))
