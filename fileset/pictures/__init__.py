"""Pixel data -> 8-bit pictures and icons. Needs the extra `images`: numpy, pillow and imagecodecs."""
