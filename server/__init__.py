"""What serves the product: its sockets and processes."""

__version__ = "0.1.0"
