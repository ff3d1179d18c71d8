"""Tensors that refuse numpy as torch's do, in its words; torch itself is no requirement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Tensor:
    """Values on a device, which may require gradients or be of a type that numpy lacks."""

    layout = "torch.strided"

    def __init__(
        self, values: Any, dtype: str = "", *, grad: bool = False, device: str = "cpu"
    ) -> None:
        self.values = np.asarray(values)
        self.dtype = f"torch.{dtype or self.values.dtype}"
        self.grad, self.device = grad, device

    def __repr__(self) -> str:
        return f"tensor({self.values.tolist()}, dtype={self.dtype}, device='{self.device}')"

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: Any) -> Tensor:
        return self._like(self.values[place])

    def _like(self, values: Any, **changes: Any) -> Tensor:
        known = {"dtype": self.dtype[6:], "grad": self.grad, "device": self.device}
        return type(self)(values, **{**known, **changes})

    def detach(self) -> Tensor:
        return self._like(self.values, grad=False)

    def cpu(self) -> Tensor:
        return self._like(self.values, device="cpu")

    def is_floating_point(self) -> bool:
        return "float" in self.dtype

    def float(self) -> Tensor:
        return self._like(self.values.astype(np.float32), dtype="float32")

    def to_dense(self) -> Tensor:
        return Tensor(self.values, self.dtype[6:])

    def numpy(self) -> NDArray[Any]:
        if self.grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy()"
                " instead."
            )
        if self.device != "cpu":
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to"
                " copy the tensor to host memory first."
            )
        if self.dtype in ("torch.bfloat16", "torch.float8_e5m2", "torch.quint8"):
            raise TypeError("Got unsupported ScalarType " + self.dtype[6:])
        return self.values

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return self.numpy() if dtype is None else self.numpy().astype(dtype, copy=False)


class SparseTensor(Tensor):
    """A tensor of which numpy wants to know nothing."""

    layout = "torch.sparse_coo"

    def numpy(self) -> NDArray[Any]:
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")
