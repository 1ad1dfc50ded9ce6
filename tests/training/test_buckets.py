import math

import pytest
from PIL import Image

from tests.conftest import Recorder
from webui.training.buckets import bucket_of, buckets, grouped
from webui.training.latents import framed


@pytest.mark.parametrize("resolution", [64, 128, 200, 512, 768, 1024, 2048])
def test_buckets_have_the_squares_pixels_and_no_more(resolution):
    found = buckets(resolution)
    assert (resolution, resolution) in found
    assert len(set(found)) == len(found) > 6
    for width, height in found:
        assert width % 8 == height % 8 == 0
        assert 0.7 * resolution**2 < width * height <= resolution**2
        assert resolution / 2 <= min(width, height) <= max(width, height) <= 2 * resolution
        assert (height, width) in found


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((512, 512), (512, 512)),
        ((3000, 3001), (512, 512)),
        ((800, 1200), (384, 640)),
        ((1920, 1080), (640, 384)),
        ((900, 100), (1024, 256)),
        ((1, 5000), (256, 1024)),
    ],
)
def test_the_bucket_comes_closest_in_shape(size, bucket):
    assert bucket_of(size, 512) == bucket
    shape = math.log(size[0] / size[1])
    others = [abs(math.log(width / height) - shape) for width, height in buckets(512)]
    assert abs(math.log(bucket[0] / bucket[1]) - shape) <= min(others) + 1e-6


def test_pictures_of_one_size_go_together():
    assert grouped([(8, 8), (8, 16), (8, 8), (16, 8), (8, 16)]) == [[0, 2], [1, 4], [3]]


def test_pictures_are_cropped_to_their_buckets_or_to_squares(tmp_path):
    files = []
    for number, size in enumerate([(100, 100), (100, 210), (640, 320)]):
        Image.linear_gradient("L").resize(size).save(tmp_path / f"{number}.png")
        files.append(tmp_path / f"{number}.png")
    whole = list(framed(files, 128, Recorder(), buckets=True))
    assert [image.size for image in whole] == [(128, 128), (80, 176), (176, 80)]
    assert {image.size for image in framed(files, 128, Recorder(), buckets=False)} == {(128, 128)}
    # From black above to white below: of the tall one next to nothing is lost.
    assert whole[1].getpixel((40, 0))[0] < 6
    assert whole[1].getpixel((40, 175))[0] > 249
