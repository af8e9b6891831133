"""Lay out a directed graph from left to right in layers (Sugiyama, Tagawa and Toda, 1981). Pure, sizes in CSS pixels.

Lines stay out of boxes by construction: a long line has a lane of its own in each layer that it passes, and changes its
height only between layers, where no box stands.
"""

from lineage.graph.drawing.draw import draw
from lineage.graph.drawing.places import ARROW
from lineage.graph.drawing.positions import HEADING, PADDING
from lineage.graph.drawing.shapes import Box, Drawing, Frame, Line, PlacedBox, PlacedLine, UnknownBox

__all__ = [
    "ARROW",
    "HEADING",
    "PADDING",
    "Box",
    "Drawing",
    "Frame",
    "Line",
    "PlacedBox",
    "PlacedLine",
    "UnknownBox",
    "draw",
]
