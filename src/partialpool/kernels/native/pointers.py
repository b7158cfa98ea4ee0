"""Call C functions by address and read arrays by address, from inside kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from partialpool.kernels.native.compiling import kernel


@intrinsic
def as_pointer(typingctx: Any, address: Any) -> Any:
    """Turn an integer address into a void pointer."""
    signature = types.voidptr(types.int64)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return signature, codegen


@intrinsic(prefer_literal=True)
def on_stack(typingctx: Any, n: Any) -> Any:
    """(n,) numbers, n a constant, on the stack of the function that this becomes part of."""
    if not isinstance(n, types.IntegerLiteral):
        return None
    array = types.Array(types.float64, 1, "C")

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        room = cgutils.alloca_once(builder, ir.ArrayType(ir.DoubleType(), n.literal_value))
        integer = context.get_value_type(types.int64)
        address = builder.ptrtoint(room, integer)
        return _array_of(context, builder, array, address, [ir.Constant(integer, n.literal_value)])

    return array(n), codegen


def _caller(n_arguments: int, result: Any = types.float64) -> Any:
    """Make the intrinsic that calls ``result f(int64, ...)`` at an address."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        integer = ir.IntType(64)
        function = ir.FunctionType(context.get_value_type(result), [integer] * n_arguments)
        pointer = builder.inttoptr(args[0], function.as_pointer())
        return builder.call(pointer, list(args[1:]))

    return result(*[types.int64] * (n_arguments + 1)), codegen


@intrinsic
def call_family(
    typingctx: Any,
    address: Any,
    n: Any,
    stats: Any,
    stride: Any,
    eta: Any,
    width: Any,
    first: Any,
    second: Any,
    n_predictors: Any,
) -> Any:
    """Call a family's block at an address; see `kernels.native.family_loops`."""
    return _caller(8)


@intrinsic
def call_gradient(
    typingctx: Any,
    address: Any,
    n: Any,
    stats: Any,
    stride: Any,
    eta: Any,
    width: Any,
    first: Any,
    addresses: Any,
    columns: Any,
    slopes: Any,
    n_predictors: Any,
) -> Any:
    """Call a family's block of derivatives at an address; see `kernels.native.family_loops`."""
    return _caller(10)


@intrinsic
def call_prior(typingctx: Any, address: Any, n: Any, values: Any, parameters: Any, gradient: Any) -> Any:
    """Call a prior's block at an address; see `kernels.native.family_loops`."""
    return _caller(4)


@intrinsic
def call_constraint(
    typingctx: Any, address: Any, n: Any, m: Any, free: Any, values: Any, constants: Any
) -> Any:
    """Call a constraint's map at an address; see `kernels.native.constraint_functions`."""
    return _caller(5)


@intrinsic
def call_constraint_back(
    typingctx: Any,
    address: Any,
    n: Any,
    m: Any,
    free: Any,
    values: Any,
    constants: Any,
    values_bar: Any,
    free_bar: Any,
) -> Any:
    """Call the derivative of a constraint's map at an address; see `kernels.native.constraint_functions`."""
    return _caller(7)


@intrinsic
def call_density(
    typingctx: Any, address: Any, n_dim: Any, x: Any, gradient: Any, value: Any, table: Any
) -> Any:
    """Call a log density at an address; see `kernels.density.log_density.native_density`."""
    return _caller(5, types.int64)


@intrinsic
def call_draw(
    typingctx: Any, address: Any, n_dim: Any, n_values: Any, x: Any, values: Any, table: Any
) -> Any:
    """Call what makes a draw of a point at an address; see `kernels.density.log_density.native_draw`."""
    return _caller(5, types.int64)


@intrinsic
def call_joint(
    typingctx: Any,
    address: Any,
    table: Any,
    x: Any,
    values: Any,
    free: Any,
    effects: Any,
    covariances: Any,
    work: Any,
) -> Any:
    """Call a joint map at an address; see `kernels.density.joint.native_joint`."""
    return _caller(7)


@intrinsic
def call_joint_back(
    typingctx: Any,
    address: Any,
    table: Any,
    values: Any,
    values_bar: Any,
    free_bar: Any,
    effects_bar: Any,
    covariances: Any,
    work: Any,
    gradient: Any,
) -> Any:
    """Call the derivative of a joint map at an address; see `kernels.density.joint`."""
    return _caller(8)


@intrinsic
def call_share(typingctx: Any, address: Any, argument: Any, share: Any) -> Any:
    """Call what does one share of a task at an address; see `kernels.native.thread_team`."""
    return _caller(2, types.int64)


@intrinsic
def call_acquire(typingctx: Any, address: Any, lock: Any, wait: Any) -> Any:
    """Call Python's ``PyThread_acquire_lock`` at an address."""
    return _caller(2, types.int32)


@intrinsic
def call_release(typingctx: Any, address: Any, lock: Any) -> Any:
    """Call Python's ``PyThread_release_lock`` at an address; it returns nothing that may be looked at."""
    return _caller(1, types.int32)


def _view(dtype: Any, n_dim: int) -> Any:
    """Make the intrinsic ``view(slots, k)``: the array that slot k of an address table describes.

    As a function of its own it would be compiled anew for every k, which is a constant nearly everywhere.
    """

    def view(typingctx: Any, slots: Any, k: Any) -> Any:
        array = types.Array(dtype, n_dim, "C")

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            integer = context.get_value_type(types.int64)
            table = context.make_array(sig.args[0])(context, builder, args[0])
            first = builder.mul(
                context.cast(builder, args[1], sig.args[1], types.int64), ir.Constant(integer, 3)
            )
            address, *shape = (
                builder.load(builder.gep(table.data, [builder.add(first, ir.Constant(integer, i))]))
                for i in range(n_dim + 1)
            )
            return _array_of(context, builder, array, address, shape)

        return array(slots, k), codegen

    return intrinsic(view)


def _array_of(context: Any, builder: Any, array: Any, address: Any, shape: list[Any]) -> Any:
    """The numba array of a type whose rows stand one after the other at an address."""
    size = ir.Constant(address.type, context.get_abi_sizeof(context.get_value_type(array.dtype)))
    strides = [size]
    for n in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], n))
    out = context.make_array(array)(context, builder)
    populate_array(
        out,
        data=builder.inttoptr(address, out.data.type),
        shape=shape,
        strides=strides,
        itemsize=size,
        meminfo=None,
    )
    return out._getvalue()


floats_at = _view(types.float64, 1)
float_rows_at = _view(types.float64, 2)
integers_at = _view(types.int64, 1)
integer_rows_at = _view(types.int64, 2)
indices_at = _view(types.int32, 1)
index_rows_at = _view(types.int32, 2)


@kernel
def vector_in(scratch, start, n):
    """(n,) view of a scratch array that the caller keeps alive.

    Unlike a slice it carries no reference count: counting (an atomic operation each time an array is passed
    on) cost more than the arithmetic in loops over groups.
    """
    return carray(as_pointer(scratch.ctypes.data + 8 * start), (n,), np.float64)


@kernel
def matrix_in(scratch, start, m, n):
    """(m, n) view of a scratch array that the caller keeps alive; see `vector_in`."""
    return carray(as_pointer(scratch.ctypes.data + 8 * start), (m, n), np.float64)


@kernel
def matrices_in(scratch, start, k, m, n):
    """(k, m, n) view of a scratch array that the caller keeps alive; see `vector_in`."""
    return carray(as_pointer(scratch.ctypes.data + 8 * start), (k, m, n), np.float64)


@kernel
def integers_in(scratch, start, n):
    """(n,) view, as 64-bit integers, of a scratch array that the caller keeps alive; see `vector_in`."""
    return carray(as_pointer(scratch.ctypes.data + 8 * start), (n,), np.int64)
