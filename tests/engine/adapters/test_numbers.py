"""A network with LoRAs on gives what it gives with their differences merged into its weights."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from tests.engine import networks
from tests.engine.adapters.loras import ATTENTION, deltas_of, factors, kohya, random, write
from tests.engine.networks import noise, state
from webui.engine.adapters.bodies import Body
from webui.engine.adapters.bounds import Bounded, most
from webui.engine.adapters.fitting import fit
from webui.engine.adapters.injection import Injection
from webui.engine.tiling import Tiling

LINEAR = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k"
CONV = "down_blocks.1.resnets.0.conv1"
HALVING = "down_blocks.0.downsamplers.0.conv"
NORM = "mid_block.attentions.0.norm"
LAYER_NORM = "down_blocks.0.attentions.0.transformer_blocks.0.norm1"
CONVS = ("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "conv_in", "conv_out")


@pytest.fixture(scope="module")
def unet(model):
    return model.unet


@pytest.fixture(scope="module")
def fitted(model, tmp_path_factory):
    """Fits tensors, written to a file, to the demo model."""
    folder = tmp_path_factory.mktemp("numbers")
    places = Body.of(model).places()

    def fitted(tensors, **metadata):
        return fit(write(folder / "x.safetensors", tensors, **metadata), places, torch.float32)

    return fitted


def run(unet, batch=1, latents=None):
    """On few latents: the demo UNet is no tiny one."""
    return networks.run(unet, batch, 8, 8, latents=latents)


def stem(path):
    return "lora_unet_" + path.replace(".", "_")


def injected(unet, *loras):
    pieces = [lora.parts["unet"] for lora in loras]
    return Injection(unet, pieces, torch.device("cpu"), torch.float32)


def always(*weights):
    return lambda _: torch.tensor([weights])


def changed(unet, path, delta=None, bias=None):
    """A copy of the network with a difference added to one module."""
    other = copy.deepcopy(unet)
    module = other.get_submodule(path)
    with torch.no_grad():
        if delta is not None:
            module.weight += torch.as_tensor(delta, dtype=torch.float32).reshape(module.weight.shape)
        if bias is not None:
            module.bias += bias
    return other


def merged(unet, *differences):
    """A copy of the network with differences of many modules added."""
    other = copy.deepcopy(unet)
    with torch.no_grad():
        for (_, path), delta in (item for each in differences for item in each.items()):
            module = other.get_submodule(path)
            module.weight += delta.reshape(module.weight.shape)
    return other


def check(unet, lora, path, delta=None, bias=None, weight=0.7):
    """The LoRA at a weight is this difference at that weight; and it makes a difference that can be seen."""
    assert lora.notices == ()
    scaled = None if delta is None else torch.as_tensor(np.asarray(delta)) * weight
    expected = run(changed(unet, path, scaled, None if bias is None else bias * weight))
    with injected(unet, lora) as injection:
        injection.weigh(always(weight))
        found = run(unet)
    assert torch.allclose(found, expected, atol=1e-4), (found - expected).abs().max()
    assert not torch.allclose(run(unet), expected, atol=1e-3)


@pytest.mark.parametrize("alpha", [None, 2])
@pytest.mark.parametrize("endings", [ATTENTION, CONVS])
def test_low_rank_is_up_times_down_times_alpha_over_rank(model, unet, fitted, alpha, endings):
    made = factors(model, rank=4, unet=endings, text=(), scale=0.05)
    lora = fitted(kohya(made, alpha))
    assert lora.notices == ()
    assert lora.count == len(made)
    other = merged(unet, deltas_of(made, 0.8, alpha))
    with injected(unet, lora) as injection:
        injection.weigh(always(0.8))
        assert torch.allclose(run(unet), run(other), atol=1e-4)
    assert not torch.allclose(run(unet), run(other), atol=1e-2)


def test_a_middle_makes_one_convolution_of_three(unet, fitted):
    module = unet.get_submodule(CONV)
    out, into = module.weight.shape[:2]
    down, middle, up = (
        random(3, into, 1, 1, scale=0.3),
        random(4, 3, 3, 3, seed=1),
        random(out, 4, 1, 1, seed=2),
    )
    lora = fitted(
        {
            f"{stem(CONV)}.lora_down.weight": down,
            f"{stem(CONV)}.lora_mid.weight": middle,
            f"{stem(CONV)}.lora_up.weight": up,
            f"{stem(CONV)}.alpha": torch.tensor(0.3),
        }
    )
    delta = np.einsum("or,rshw,si->oihw", up.numpy()[..., 0, 0], middle.numpy(), down.numpy()[..., 0, 0])
    check(unet, lora, CONV, delta * 0.1)


def test_dynamic_rank_takes_the_first_ranks(unet, fitted):
    out, into = unet.get_submodule(LINEAR).weight.shape
    down, up = random(4, into), random(out, 4, seed=1)
    lora = fitted({f"{stem(LINEAR)}.lora_down.weight": down, f"{stem(LINEAR)}.lora_up.weight": up})
    pieces = {place: piece.cut(2) for place, piece in lora.parts["unet"].items()}
    expected = run(changed(unet, LINEAR, up[:, :2] @ down[:2]))
    with Injection(unet, [pieces], torch.device("cpu"), torch.float32) as injection:
        injection.weigh(always(1.0))
        assert torch.allclose(run(unet), expected, atol=1e-4)


def kinds(out, into, window=(), seed=0):
    """Kind -> (tensors, difference), each computed in numpy by its definition."""
    many = int(np.prod(window)) if window else 1

    def r(*shape, scale=0.3):
        nonlocal seed
        seed += 1
        return random(*shape, seed=seed, scale=scale)

    a1, b1, a2, b2 = r(out, 3), r(3, into * many), r(out, 3), r(3, into * many)
    yield (
        "LoHa",
        {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2, "alpha": torch.tensor(1.5)},
        (a1.numpy() @ b1.numpy()) * (a2.numpy() @ b2.numpy()) * 0.5,
    )
    first, second = r(4, 8), r(out // 4, into // 8, *window)
    whole = np.zeros((out, into, *window), dtype=np.float32)
    for i in range(4):
        for j in range(8):
            rows, columns = (
                slice(i * (out // 4), (i + 1) * (out // 4)),
                slice(j * (into // 8), (j + 1) * (into // 8)),
            )
            whole[rows, columns] = first[i, j].item() * second.numpy()
    yield "LoKr", {"lokr_w1": first, "lokr_w2": second, "alpha": torch.tensor(9.0)}, whole
    a, b = r(out // 4, 2), r(2, into // 8, *window)
    low = np.tensordot(a.numpy(), b.numpy(), 1)
    both = np.concatenate(
        [np.concatenate([first[i, j].item() * low for j in range(8)], axis=1) for i in range(4)], axis=0
    )
    yield (
        "LoKr, low rank",
        {"lokr_w1": first, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": torch.tensor(1.0)},
        both * 0.5,
    )
    difference = r(out, into, *window, scale=0.05)
    yield "full", {"diff": difference}, difference.numpy()


@pytest.mark.parametrize("path", [LINEAR, CONV])
@pytest.mark.parametrize("kind", ["LoHa", "LoKr", "LoKr, low rank", "full"])
def test_kinds_that_stand_by_themselves(unet, fitted, path, kind):
    out, into, *window = unet.get_submodule(path).weight.shape
    named = {name: (tensors, delta) for name, tensors, delta in kinds(out, into, tuple(window))}
    tensors, delta = named[kind]
    check(unet, fitted({f"{stem(path)}.{name}": tensor for name, tensor in tensors.items()}), path, delta)


def test_loha_through_middles(unet, fitted):
    out, into, *_ = unet.get_submodule(CONV).weight.shape
    middles = [random(3, 3, 3, 3, seed=seed, scale=0.5) for seed in (1, 2)]
    outs, ins = (
        [random(3, out, seed=seed) for seed in (3, 4)],
        [random(3, into, seed=seed) for seed in (5, 6)],
    )
    tensors = {
        f"{stem(CONV)}.hada_{name}{number + 1}{ending}": tensor[number] * 0.7
        for name, ending, tensor in (("t", "", middles), ("w", "_a", outs), ("w", "_b", ins))
        for number in (0, 1)
    }
    halves = [
        np.einsum("abhw,ao,bi->oihw", *(each[number].numpy() * 0.7 for each in (middles, outs, ins)))
        for number in (0, 1)
    ]
    check(unet, fitted(tensors), CONV, halves[0] * halves[1])


@pytest.mark.parametrize("path", [LINEAR, CONV])
@pytest.mark.parametrize("on_input", [True, False])
def test_ia3_scales_rows_or_columns(unet, fitted, path, on_input):
    weight = unet.get_submodule(path).weight.numpy()
    factors = random(weight.shape[1 if on_input else 0], scale=0.5)
    sides = (1, -1) if on_input else (-1, 1)
    delta = weight * factors.numpy().reshape(*sides, *[1] * (weight.ndim - 2))
    tensors = {f"{stem(path)}.weight": factors, f"{stem(path)}.on_input": torch.tensor(on_input)}
    check(unet, fitted(tensors), path, delta)


@pytest.mark.parametrize("old", [False, True])
def test_glora_changes_weights_and_inputs(unet, fitted, old):
    weight = unet.get_submodule(LINEAR).weight.numpy()
    out, into = weight.shape
    a1, a2, b1, b2 = (
        random(*shape, seed=seed, scale=0.2)
        for seed, shape in enumerate(((into, 3), (3, into), (out, 3), (3, into)))
    )
    delta = b1.numpy() @ b2.numpy() + weight @ (a1.numpy() @ a2.numpy())
    named = {"a1": a2, "a2": a1, "b1": b2, "b2": b1} if old else {"a1": a1, "a2": a2, "b1": b1, "b2": b2}
    check(
        unet, fitted({f"{stem(LINEAR)}.{name}.weight": each for name, each in named.items()}), LINEAR, delta
    )


@pytest.mark.parametrize("path", [LINEAR, CONV])
@pytest.mark.parametrize("by_output", [True, False])
def test_dora_sets_the_length_of_rows_or_columns(unet, fitted, path, by_output):
    weight = unet.get_submodule(path).weight.numpy()
    out, into, *window = weight.shape
    down, up = random(2, into, *window, scale=0.3), random(out, 2, *[1] * len(window), seed=1, scale=0.3)
    axis = 0 if by_output else 1
    lengths = random(weight.shape[axis], seed=2).abs() + 0.5
    merged = weight + np.tensordot(up.numpy().reshape(out, 2), down.numpy(), 1)
    delta = np.empty_like(weight)
    for number, length in enumerate(lengths.tolist()):
        row = (slice(None),) * axis + (number,)
        delta[row] = length * merged[row] / np.linalg.norm(merged[row]) - weight[row]
    shape = (-1, 1) if by_output else (1, -1)
    tensors = {
        f"{stem(path)}.lora_down.weight": down,
        f"{stem(path)}.lora_up.weight": up,
        f"{stem(path)}.dora_scale": lengths.reshape(*shape, *[1] * len(window)),
    }
    check(unet, fitted(tensors), path, delta)


def rotation(block):
    """(I + Q)(I - Q)^-1, solved in 64 bits."""
    skew, eye = block - block.T, np.eye(len(block))
    return np.linalg.solve((eye - skew).T, (eye + skew).T).T


def test_oft_turns_outputs_in_blocks(unet, fitted):
    weight = unet.get_submodule(LINEAR).weight.numpy()
    size = len(weight) // 4
    blocks, rescale = random(4, size, size, scale=0.05), random(len(weight), 1, seed=1).abs()
    turned = np.concatenate(
        [
            rotation(block.astype(np.float64)).T @ weight[number * size : (number + 1) * size]
            for number, block in enumerate(blocks.numpy())
        ]
    )
    tensors = {f"{stem(LINEAR)}.oft_blocks": blocks, f"{stem(LINEAR)}.rescale": rescale}
    check(unet, fitted(tensors), LINEAR, turned * rescale.numpy() - weight)


def test_boft_turns_them_in_a_butterfly(unet, fitted):
    """A butterfly's second round joins numbers that lie two blocks' halves apart (Liu et al., figure 3)."""
    weight = unet.get_submodule(LINEAR).weight.numpy().astype(np.float64)
    size = len(weight) // 16
    blocks = random(2, 16, size, size, scale=0.1)
    turned = weight
    for level in (0, 1):
        full = np.zeros((len(weight), len(weight)))
        stride = 2**level * (size // 2)
        # Of rows (c, g, k) the k-th of all c and g, counted (c, k, g), make the blocks.
        order = np.arange(len(weight)).reshape(-1, 2, stride).transpose(0, 2, 1).reshape(16, size)
        for number, rows in enumerate(order):
            full[np.ix_(rows, rows)] = rotation(blocks[level, number].numpy().astype(np.float64))
        turned = full @ turned
    check(unet, fitted({f"{stem(LINEAR)}.oft_blocks": blocks}), LINEAR, turned - weight)


def test_biases_and_norms_change_too(unet, fitted):
    bias = random(len(unet.get_submodule(CONV).bias))
    check(unet, fitted({f"{stem(CONV)}.diff_b": bias}), CONV, bias=bias)
    for path in (NORM, LAYER_NORM):
        shape = unet.get_submodule(path).weight.shape
        weight, bias = random(*shape, scale=0.3), random(*shape, seed=1, scale=0.3)
        tensors = {f"{stem(path)}.w_norm": weight, f"{stem(path)}.b_norm": bias}
        check(unet, fitted(tensors), path, weight.numpy(), bias)


def test_peft_tells_alpha_in_the_header(unet, fitted):
    out, into = unet.get_submodule(LINEAR).weight.shape
    down, up = random(4, into), random(out, 4, seed=1)
    tensors = {f"unet.{LINEAR}.lora_A.weight": down, f"unet.{LINEAR}.lora_B.weight": up}
    told = fitted(tensors, lora_adapter_metadata='{"unet.lora_alpha": 2, "unet.r": 4}')
    check(unet, told, LINEAR, (up @ down).numpy() * 0.5)
    check(unet, fitted(tensors, lora_adapter_metadata="[" * 20_000), LINEAR, (up @ down).numpy())


def test_several_loras_add_up_and_each_row_has_its_own(model, unet, fitted):
    made = [factors(model, rank, seed=seed, text=()) for rank, seed in ((4, 0), (2, 500))]
    table, latents = torch.tensor([[1.0, 0.0], [0.0, 0.5], [0.3, -0.2]]), noise(3, 4, 8, 8)
    alone = [
        run(
            merged(unet, *(deltas_of(each, weight) for each, weight in zip(made, row, strict=True))),
            latents=latents,
        )
        for row in table.tolist()
    ]
    with injected(unet, *(fitted(kohya(each)) for each in made)) as injection:
        injection.weigh(lambda _: table)
        together = run(unet, latents=latents)
    for row, expected in enumerate(alone):
        assert torch.allclose(together[row], expected[row], atol=1e-4)
        assert not torch.allclose(together[row - 1], expected[row], atol=1e-2)


def test_after_ejecting_nothing_is_left(model, unet, fitted):
    lora = fitted(kohya(factors(model, text=())))
    before, plain = state(unet), run(unet)
    with injected(unet, lora) as injection:
        assert torch.equal(run(unet), plain)  # it isn't weighed yet
        injection.weigh(always(1.0))
        assert not torch.equal(run(unet), plain)
        injection.weigh(always(0.0))
        assert torch.equal(run(unet), plain)
    assert state(unet) == before
    assert torch.equal(run(unet), plain)


def test_convolutions_pad_as_the_module_does(model, unet, fitted):
    made = factors(model, unet=CONVS, text=(), scale=0.05)
    lora = fitted(kohya(made))
    other = merged(unet, deltas_of(made))
    with injected(unet, lora) as injection, Tiling(unet), Tiling(other):
        injection.weigh(always(1.0))
        assert torch.allclose(run(unet), run(other), atol=1e-4)


def test_what_runs_it_with_other_rows_gets_the_first_rows_strengths(model, unet, fitted):
    lora = fitted(kohya(factors(model, text=())))
    with injected(unet, lora) as injection:
        injection.weigh(always(0.5))
        expected = run(unet, batch=3)
        injection.weigh(lambda _: torch.tensor([[0.5], [1.0]]))
        assert torch.equal(run(unet, batch=3), expected)


def test_weights_in_8_bits_are_not_touched(model, fitted):
    from webui.engine.storage import store_fp8

    unet = copy.deepcopy(model.unet).to(torch.bfloat16)
    store_fp8(unet)
    lora = fitted(kohya(factors(model, text=())))
    module = unet.get_submodule(LINEAR)
    assert isinstance(module, nn.Linear)
    x = noise(2, 5, module.in_features).to(torch.bfloat16)
    plain = module(x)
    with Injection(unet, [lora.parts["unet"]], torch.device("cpu"), torch.bfloat16) as injection:
        injection.weigh(always(1.0))
        assert (module(x) - plain).abs().mean() > 0.01
        assert module.weight.dtype == torch.float8_e4m3fn
    assert torch.equal(module(x), plain)


MANY = 20_000
ENTRANCE, EXIT = "conv_in", "conv_out"


def ones(**shapes):
    return {name.replace("_weight", ".weight"): torch.ones(shape) for name, shape in shapes.items()}


GIANTS = {
    "a product of another shape": (
        EXIT,
        ones(lora_mid_weight=(MANY, 1, 1, 1), lora_down_weight=(1, MANY), lora_up_weight=(4, MANY)),
    ),
    "very many ranks": (
        EXIT,
        ones(lora_mid_weight=(MANY, 1, 3, 3), lora_down_weight=(1, 128), lora_up_weight=(4, MANY)),
    ),
    "LoHa on its way": (
        ENTRANCE,
        ones(
            **{f"hada_w{half}_a": (1, 128) for half in (1, 2)},
            **{f"hada_w{half}_b": (MANY, 4) for half in (1, 2)},
            **{f"hada_t{half}": (1, MANY, 3, 3) for half in (1, 2)},
        ),
    ),
    "LoKr on its way": (
        ENTRANCE,
        ones(lokr_w1=(1, 1), lokr_w2_a=(1, 128), lokr_w2_b=(MANY, 4), lokr_t2=(1, MANY, 3, 3)),
    ),
}


def fewer(tensor):
    """Two where there were very many."""
    return tensor[tuple(slice(2 if side == MANY else side) for side in tensor.shape)]


@pytest.mark.parametrize("kind", GIANTS)
def test_small_factors_of_giant_products_are_refused_before_they_are_computed(unet, fitted, kind):
    path, tensors = GIANTS[kind]
    with Bounded(most(unet.get_submodule(path).weight.shape)):
        lora = fitted({f"{stem(path)}.{name}": tensor for name, tensor in tensors.items()})
    assert lora.count == 0
    assert "another shape than the module here" in lora.notices[0]
    few = fitted({f"{stem(path)}.{name}": fewer(tensor) for name, tensor in tensors.items()})
    assert few.count == (kind != "a product of another shape")
