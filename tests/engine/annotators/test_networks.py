"""The networks that are our own, beside the same written with torch's functions."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.engine.annotators import tiny
from webui.catalog.identify import identify
from webui.engine.annotators import finishing
from webui.engine.annotators.line_drawing import LineDrawing, read_line_drawing
from webui.engine.annotators.people import DIRECTIONS, JOINTS, LIMBS, people
from webui.engine.annotators.pose_network import PoseNetwork, read_pose_network
from webui.engine.annotators.poses import COLOURS, PoseFinder, drawn
from webui.engine.annotators.soft_edges import SoftEdges, read_soft_edges
from webui.engine.weights import WeightsError
from webui.imaging.preprocessors.preprocessor import Options

OPTIONS = Options(64, 0, 0)
SIZE = (70, 50)


def made_up(size=SIZE, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


def tensor(image):
    return torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)[None]


def values(image):
    return np.asarray(image.convert("L")).astype(int)


def test_soft_edges(tmp_path):
    weights = tiny.write_random(tmp_path / "ControlNetHED.pth", SoftEdges())
    assert identify(tmp_path / "ControlNetHED.pth").kind == "annotator"
    x, seen = tensor(made_up()) - weights["norm"], []
    for block, layers in enumerate((2, 2, 3, 3, 3), 1):
        x = x if block == 1 else F.max_pool2d(x, 2, 2)
        for layer in range(layers):
            named = f"block{block}.convs.{layer}"
            x = F.relu(F.conv2d(x, weights[f"{named}.weight"], weights[f"{named}.bias"], padding=1))
        named = f"block{block}.projection"
        edges = F.conv2d(x, weights[f"{named}.weight"], weights[f"{named}.bias"])
        seen.append(F.interpolate(edges, SIZE[::-1], mode="bilinear"))
    expected = (255 * torch.sigmoid(sum(seen) / 5))[0, 0].numpy()
    found = read_soft_edges(tmp_path / "ControlNetHED.pth").annotated(made_up(), OPTIONS)
    assert found.size == SIZE
    assert abs(values(found) - expected).max() < 0.6
    assert expected.std() > 1


def test_line_drawings(tmp_path):
    weights = tiny.write_random(tmp_path / "sk_model.pth", LineDrawing())
    assert identify(tmp_path / "sk_model.pth").kind == "annotator"

    def layer(x, name, run=F.conv2d, **how):
        return run(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **how)

    def mirrored(x, room):
        return F.pad(x, (room,) * 4, "reflect")

    picture = made_up((72, 52))  # multiples of 4
    x = F.relu(F.instance_norm(layer(mirrored(tensor(picture) / 255, 3), "model0.1")))
    for name in ("model1.0", "model1.3"):
        x = F.relu(F.instance_norm(layer(x, name, stride=2, padding=1)))
    for number in range(3):
        y = F.relu(F.instance_norm(layer(mirrored(x, 1), f"model2.{number}.conv_block.1")))
        x = x + F.instance_norm(layer(mirrored(y, 1), f"model2.{number}.conv_block.5"))
    turned = {"stride": 2, "padding": 1, "output_padding": 1}
    for name in ("model3.0", "model3.3"):
        x = F.relu(F.instance_norm(layer(x, name, F.conv_transpose2d, **turned)))
    paper = layer(mirrored(x, 3), "model4.1").sigmoid()[0, 0].numpy()
    network = read_line_drawing(tmp_path / "sk_model.pth")
    assert abs(values(network.annotated(picture, OPTIONS)) - 255 * (1 - paper)).max() < 0.6
    assert network.annotated(made_up(), OPTIONS).size == SIZE


@pytest.fixture(scope="module")
def pose_file(tmp_path_factory) -> Path:
    """All weights 0: what is seen are the last layers' biases. They share the room of the largest."""
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in PoseNetwork().state_dict().items()}
    room = torch.zeros(max(map(math.prod, shapes.values())))
    weights = {name: room[: math.prod(shape)].view(shape) for name, shape in shapes.items()}
    weights["Mconv7_stage6_L2.bias"] = torch.arange(19.0)
    file = tmp_path_factory.mktemp("pose") / "body_pose_model.pth"
    torch.save(
        {f"model6_2.{name}" if "stage6" in name else name: each for name, each in weights.items()}, file
    )
    return file


def test_the_pose_networks_file(pose_file):
    network = read_pose_network(pose_file)
    limbs, joints = network(torch.zeros(1, 3, 32, 48))
    assert limbs.shape == (1, 38, 4, 6)
    assert joints[0, :, 2, 3].tolist() == list(range(19))
    assert sum(weight.numel() for weight in network.parameters()) == 52_311_446


def test_the_pose_network_feeds_each_stage_with_both_branches_and_the_picture(pose_file):
    network = read_pose_network(pose_file)
    seen = {}
    for name, layer in network.named_children():
        layer.register_forward_hook(lambda _, x, y, name=name: seen.update({name: (x[0], y)}))
    network(torch.zeros(1, 3, 16, 16))
    for stage in range(2, 7):
        given = seen[f"Mconv1_stage{stage}_L1"][0]
        assert given is seen[f"Mconv1_stage{stage}_L2"][0]
        before = "conv5_5_CPM" if stage == 2 else f"Mconv7_stage{stage - 1}"
        assert torch.equal(given[:, :38], seen[f"{before}_L1"][1])
        assert torch.equal(given[:, 38:57], seen[f"{before}_L2"][1])
        assert torch.equal(given[:, 57:], F.relu(seen["conv4_4_CPM"][1]))


STANDING = {
    0: (0, -40), 1: (0, -25), 2: (-10, -25), 3: (-14, -8), 4: (-16, 8), 5: (10, -25), 6: (14, -8), 7: (16, 8),
    8: (-6, 8), 9: (-7, 26), 10: (-8, 44), 11: (6, 8), 12: (7, 26), 13: (8, 44),
    14: (-3, -43), 15: (3, -43), 16: (-6, -41), 17: (6, -41),
}  # fmt: skip


def scene(*middles, size=(240, 140), without=()):
    """What a perfect network would see of people who stand there."""
    width, height = size
    limbs, joints = np.zeros((38, height, width)), np.zeros((19, height, width))
    rows, columns = np.mgrid[:height, :width]
    for x, y in middles:
        body = {kind: (x + dx, y + dy) for kind, (dx, dy) in STANDING.items() if kind not in without}
        for kind, (left, top) in body.items():
            joints[kind] = np.maximum(joints[kind], np.exp(-((columns - left) ** 2 + (rows - top) ** 2) / 18))
        for place, (begin, end) in zip(DIRECTIONS, LIMBS, strict=True):
            if begin in body and end in body:
                a, b = np.array(body[begin], float), np.array(body[end], float)
                way = (b - a) / np.linalg.norm(b - a)
                for share in np.linspace(0, 1, 60):
                    spot = a + share * (b - a)
                    near = (columns - spot[0]) ** 2 + (rows - spot[1]) ** 2 < 9
                    limbs[place][near], limbs[place + 1][near] = way
    return limbs, joints


def test_people_are_told_apart():
    middles = [(60, 70), (170, 75)]
    found = people(*scene(*middles))
    assert len(found) == 2
    for person, (x, y) in zip(sorted(found, key=lambda one: one[1].x), middles, strict=True):
        assert len(person) == JOINTS
        far = [abs(j.x - x - STANDING[k][0]) + abs(j.y - y - STANDING[k][1]) for k, j in person.items()]
        assert max(far) <= 2


def test_what_is_hidden_is_left_out_and_too_little_is_nobody():
    (person,) = people(*scene((100, 70), without=(4, 13, 17)))
    assert set(person) == set(range(JOINTS)) - {4, 13, 17}
    assert people(*scene((100, 70), without=range(3, JOINTS))) == []
    assert people(np.zeros((38, 40, 40)), np.zeros((19, 40, 40))) == []


def test_noise_is_no_crowd_that_takes_forever():
    noise = np.random.default_rng(0).random((57, 120, 120))
    assert len(people(noise[:38], noise[38:])) < 100


def test_skeletons_are_drawn_in_the_known_colours():
    (person,) = people(*scene((100, 70), size=(200, 140)))
    image = drawn([person], (200, 140), (400, 280))
    assert image.size == (400, 280)
    for kind, joint in person.items():
        near = image.crop((2 * joint.x - 5, 2 * joint.y - 5, 2 * joint.x + 5, 2 * joint.y + 5))
        assert COLOURS[kind] in {colour for _, colour in near.getcolors()}
    upper_arm = image.getpixel((2 * 100 - 24, 2 * 54))
    assert upper_arm == tuple(int(0.6 * channel) for channel in COLOURS[2])
    assert image.getpixel((5, 5)) == (0, 0, 0)


def test_poses_of_a_picture_without_people(pose_file):
    finder = PoseFinder(read_pose_network(pose_file))
    assert finder.annotated(made_up((60, 90)), OPTIONS).size == (60, 90)


@pytest.mark.parametrize("read", [read_soft_edges, read_line_drawing, read_pose_network])
def test_other_files_are_refused(tmp_path, read):
    torch.save({"a.weight": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="lacks"):
        read(tmp_path / "a.pth")


def test_finishing():
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (40, 1)))
    assert sorted(set(values(finishing.stepped(ramp, OPTIONS)).flat)) == [0, 128, 255]
    bar = np.where(abs(np.arange(90) - 45) < 4, 255, 0).astype(np.uint8)
    strokes = values(finishing.strokes(Image.fromarray(np.tile(bar, (60, 1))), OPTIONS))
    assert (strokes[:, 45] == 255).all()
    assert 2 < (strokes[30] > 0).sum() < 24
    tilted = np.asarray(finishing.normals(ramp, Options(64, 0.5, 0))).astype(int)
    assert abs(tilted[20, 40] - (128, 128, 255)).max() <= 1
    assert tilted[20, 200][0] > 132
