"""Server of the product: sockets and processes."""

__version__ = "0.1.0"
