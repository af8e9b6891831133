"""Charts as geometry: numbers in, coordinates and labels out. Pure; templates draw them as SVG."""
