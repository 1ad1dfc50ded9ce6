"""What a torch pickle may name, and what stands in for it while its header is read.

A stand-in keeps shapes and number formats and does nothing else. Each has a `__setstate__`, since a pickle
could otherwise set attributes of it.
"""

from __future__ import annotations

from webui.catalog.headers import TensorInfo

STORAGES = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8",
    "ByteStorage": "U8", "BoolStorage": "BOOL", "UntypedStorage": "U8", "TypedStorage": "U8",
    "ComplexFloatStorage": "C64",
}  # fmt: skip
DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "complex64": "C64",
}  # fmt: skip
MAPPINGS = {
    "collections.OrderedDict", "collections.Counter", "collections.defaultdict", "builtins.dict",
}  # fmt: skip
OPAQUE = {
    "torch.device", "torch.Size", "torch.Tensor", "torch.nn.parameter.Parameter", "_codecs.encode",
    "torch._utils._rebuild_qtensor", "torch._utils._rebuild_sparse_tensor", "torch.serialization._get_layout",
    "builtins.set", "builtins.frozenset", "builtins.bytearray", "builtins.complex", "builtins.int",
    "builtins.float", "builtins.list", "builtins.tuple", "builtins.str",
}  # fmt: skip
PARAMETER_DICT = "torch.nn.modules.container.ParameterDict"
BEYOND_TORCH = {
    "numpy.core.multiarray.scalar", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct", "numpy.dtype", "numpy.ndarray",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    PARAMETER_DICT,
}  # fmt: skip
"""Named in widely used files beside their weights, though not allowed by `torch.load(weights_only=True)`."""


class StorageType:
    """A kind of storage, or a dtype."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __setstate__(self, state: object) -> None: ...


class Mapping(dict[object, object]):
    """An OrderedDict or the like, filled by what follows in the pickle."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None: ...


class ParameterDict(dict[str, object]):
    """torch's container of an embedding's vectors; `parameters` is filled at its end."""

    parameters: object = None

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.parameters = state.get("_parameters")


class Opaque:
    """Anything that is harmless and says nothing of the weights."""

    def __new__(cls, *_: object) -> Opaque:
        """Like any call, with whatever arguments."""
        return super().__new__(cls)

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None:
        """As a list would."""

    def __setstate__(self, state: object) -> None: ...


class Tensor:
    """A tensor, as torch's rebuilding functions get it told."""

    def __init__(self, info: TensorInfo) -> None:
        self.info = info

    def __setstate__(self, state: object) -> None: ...


class Rebuild:
    """torch's `_rebuild_tensor`, `_v2` and `_v3`: (storage, offset, shape, strides, ..., [6] dtype)."""

    def __call__(self, storage: object, _: object, shape: object, *rest: object) -> Tensor:
        """The tensor of that shape, and of the storage's number format unless one is told."""
        told = rest[3] if len(rest) > 3 and isinstance(rest[3], StorageType) else storage
        if not isinstance(told, StorageType):
            raise ValueError("a tensor without a storage")
        return Tensor(TensorInfo(_sides(shape), told.dtype))

    def __setstate__(self, state: object) -> None: ...


class RebuildParameter:
    """torch's `_rebuild_parameter`: (tensor, requires_grad, hooks)."""

    def __call__(self, tensor: object, *_: object) -> object:
        """The tensor itself."""
        return tensor

    def __setstate__(self, state: object) -> None: ...


class RebuildFromType:
    """torch's `_rebuild_from_type_v2`: (function, type, arguments, state)."""

    def __call__(self, function: object, _: object, arguments: object, *__: object) -> object:
        """What the function, itself a stand-in, makes of the arguments."""
        if not (isinstance(function, (Rebuild, RebuildParameter)) and isinstance(arguments, tuple)):
            raise ValueError("a tensor of an unknown make")
        return function(*arguments)  # pyright: ignore[reportUnknownArgumentType]

    def __setstate__(self, state: object) -> None: ...


def stand_in(module: str, name: str) -> object:
    """What stands in for `module.name`; None where no model needs it."""
    module = "builtins" if module == "__builtin__" else module
    path = f"{module}.{name}"
    if module in ("torch", "torch.storage") and (dtype := STORAGES.get(name) or DTYPES.get(name)):
        return StorageType(dtype)
    if path in MAPPINGS:
        return Mapping
    if path == PARAMETER_DICT:
        return ParameterDict
    if path in OPAQUE or path in BEYOND_TORCH:
        return Opaque
    if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"):
        return Rebuild()
    if module == "torch._utils" and name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
        return RebuildParameter()
    return RebuildFromType() if path == "torch._tensor._rebuild_from_type_v2" else None


def _sides(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or len(shape) > 32:
        raise ValueError("a tensor without a shape")
    return tuple(int(side) for side in shape)
