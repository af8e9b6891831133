"""Files of other projects from which the product takes a part."""
