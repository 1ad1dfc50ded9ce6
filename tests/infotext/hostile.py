"""Files whose metadata is made to take long or to fill the memory."""

import io
import struct
import time
import tracemalloc

from PIL import Image

from tests.infotext.test_picture import chunk, png

SECONDS = 2
BYTES = 100 * 2**20


def crowded(entries, size):
    """EXIF in which so many entries all point at the same bytes."""
    place = 8 + 2 + 12 * entries + 4
    told = b"".join(struct.pack(">HHII", 0x10E + number, 2, size, place) for number in range(entries))
    return b"MM\0*" + struct.pack(">IH", 8, entries) + told + bytes(4) + b"x" * size


def png_with(exif):
    plain = png()
    return plain[:33] + chunk(b"eXIf", exif) + plain[33:]


def jpeg_with(segments):
    """A JPEG file with segments of these EXIF data."""
    file = io.BytesIO()
    Image.new("RGB", (16, 8)).save(file, "JPEG")
    head, rest = file.getvalue()[:2], file.getvalue()[2:]
    parts = [b"\xff\xe1" + struct.pack(">H", len(data) + 8) + b"Exif\0\0" + data for data in segments]
    return head + b"".join(parts) + rest


def webp_with(exif):
    file = io.BytesIO()
    Image.new("RGB", (16, 8)).save(file, "WEBP", exif=exif)
    return file.getvalue()


def avif_with(exif):
    """Pillow would look into it when it writes, so it gets as much that is harmless, and that is replaced."""
    harmless = b"MM\0*" + struct.pack(">IH", 8, 0) + bytes(len(exif) - 10)
    file = io.BytesIO()
    Image.new("RGB", (16, 8)).save(file, "AVIF", exif=b"Exif\0\0" + harmless)
    data = file.getvalue()
    assert data.count(harmless) == 1
    return data.replace(harmless, exif)


def gif_with(blocks):
    """A GIF file with a comment of these blocks."""
    file = io.BytesIO()
    Image.new("L", (16, 8)).save(file, "GIF")
    data = file.getvalue()
    at = data.rindex(b",")
    comment = b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return data[:at] + comment + data[at:]


class Thrift:
    """A `with` block that fails if it takes long or much memory."""

    def __enter__(self):
        tracemalloc.start()
        self.began = time.process_time()

    def __exit__(self, kind, *_):
        seconds = time.process_time() - self.began
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        if kind is None:
            assert seconds < SECONDS
            assert peak < BYTES
