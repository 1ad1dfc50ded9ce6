"""What upscalers compute: layer by layer, straight from the names in their files.

Written from the papers and the published networks, so that it shares nothing with the networks under test.
"""

import torch
import torch.nn.functional as F

from tests.engine.upscaling.weights import REAL, names_of


def conv(weights, name, x, padding=1):
    return F.conv2d(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"), padding=padding)


def leaky(x):
    return torch.where(x > 0, x, 0.2 * x)


def doubled(x, times=2):
    return x.repeat_interleave(times, 2).repeat_interleave(times, 3)


def squares(x, side):
    """Squares of pixels as channels."""
    x = F.pad(x, (0, -x.shape[3] % side, 0, -x.shape[2] % side), "reflect")
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // side, side, width // side, side).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(batch, -1, height // side, width // side)


def dense_block(weights, names, place, x):
    """One of ESRGAN's dense blocks; ESRGAN+'s where it has the weights."""

    def layer(number, *seen):
        return conv(weights, names["dense"](*place, number), torch.cat(seen, 1))

    plus = names["plus"](*place)
    one = leaky(layer(1, x))
    two = leaky(layer(2, x, one))
    if f"{plus}.weight" in weights:
        two = two + conv(weights, plus, x, 0)
    three = leaky(layer(3, x, one, two))
    four = leaky(layer(4, x, one, two, three))
    if f"{plus}.weight" in weights:
        four = four + two
    return 0.2 * layer(5, x, one, two, three, four) + x


def esrgan_outcome(weights, x, layout=REAL, *, blocks=2, doublings=2, unshuffle=1):
    """What an RRDBNet makes of `x`."""
    names = names_of(layout, blocks, doublings)
    height, width = x.shape[-2:]
    first = trunk = conv(weights, names["first"], squares(x, unshuffle))
    for block in range(blocks):
        inside = trunk
        for dense in (1, 2, 3):
            inside = dense_block(weights, names, (block, dense), inside)
        trunk = 0.2 * inside + trunk
    x = first + conv(weights, names["trunk"], trunk)
    for name in names["doublings"]:
        x = leaky(conv(weights, name, doubled(x)))
    x = conv(weights, names["last"], leaky(conv(weights, names["hr"], x)))
    scale = 2**doublings // unshuffle
    return x[..., : height * scale, : width * scale]


def compact_outcome(weights, x, *, scale=4):
    """What an SRVGGNetCompact makes of `x`."""
    made = x
    for number in range(max(int(name.split(".")[1]) for name in weights) + 1):
        weight = weights[f"body.{number}.weight"]
        if weight.ndim == 1:
            made = torch.where(made > 0, made, made * weight[None, :, None, None])
        else:
            made = conv(weights, f"body.{number}", made)
    batch, _, height, width = made.shape
    made = made.reshape(batch, -1, scale, scale, height, width).permute(0, 1, 4, 2, 5, 3)
    made = made.reshape(batch, -1, height * scale, width * scale)
    return made + doubled(x, scale)
