import io

import pytest
from PIL import Image

from webui.imaging.reading import PictureError
from webui.inputs.allowance import Allowance


def flat(width, height):
    stream = io.BytesIO()
    Image.new("1", (width, height)).save(stream, "PNG")
    return stream.getvalue()


def test_pictures_have_room_together():
    allowance, bomb = Allowance(), flat(10_000, 10_000)
    for _ in range(5):
        allowance.take(bomb)
    with pytest.raises(PictureError, match=r"more than 500 million pixels together\. Upload them one by one"):
        allowance.take(flat(1, 1))


@pytest.mark.parametrize("data", [b"", b"no picture", flat(8, 8)[:20], flat(12_000, 10_000)])
def test_what_its_reader_refuses_is_not_counted(data):
    allowance = Allowance()
    for _ in range(9):
        allowance.take(data)
    allowance.take(flat(10_000, 10_000))
