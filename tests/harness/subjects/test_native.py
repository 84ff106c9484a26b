"""Functions of shared libraries: what a signature means, and what is noticed of a call."""

import platform
import sys
from dataclasses import replace

import numpy as np
import pytest
from softmax_harness.ground.errors import BadImplementation
from softmax_harness.ground.formats import FORMATS
from softmax_harness.operations import OPERATIONS, Problem
from softmax_harness.subjects.convention import Convention
from softmax_harness.subjects.exact import exact_of
from softmax_harness.subjects.isolation import Ended, Isolated, Limits, Request
from softmax_harness.subjects.native.signature import Array, Size, parse

SOFTMAX = OPERATIONS["softmax"]
ATTENTION = "f32 q,k,v,mask,y,rows,q[-2]:int,k[-2]:int,q[-1]:int,v[-1]:int"


def request_of(operation, x, output="float32", axis=-1):
    problem = Problem.of(operation, FORMATS[x.dtype.name], FORMATS[output]).along(axis)
    return Request(problem, operation.called_with(*operation.inputs(x, np.random.default_rng(0))))


def reply_of(
    kernels,
    name,
    signature="f32 rows,n",
    operation=SOFTMAX,
    x=None,
    output=None,
    **how,
):
    x = np.random.default_rng(0).normal(0, 3, (5, 7)).astype(np.float32) if x is None else x
    asked = replace(request_of(operation, x, output or x.dtype.name), **how)
    convention = Convention(parse(signature, operation))
    with Isolated(f"{kernels}:{name}", Limits(1.0), convention) as process:
        process.load()
        (reply,) = process.serve([asked])
    return asked, reply


def exactly(asked):
    x = asked.x.astype(np.float64)
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    "name, signature, output",
    [
        ("right", "f32 rows,n", "float32"),
        ("right", "x:f32, y:f32, rows:u64, n:i64 -> void", "float32"),
        ("right", "x:float, y:float, rows:uint64_t, n:int64", "float32"),
        ("strided", "f32 n:int,y,y.stride:long,x,x.stride:i64,rows:int -> int", "float32"),
        ("in_place", "f32 xy,n:u32", "float32"),
        ("to_double", "x:f32,y:f64,rows,n", "float64"),
    ],
)
@pytest.mark.parametrize("shape", [(5, 7), (2, 3, 4), (3,), (), (0, 4), (1, 4)])
def test_any_order_of_parameters_is_called_right(kernels, name, signature, output, shape):
    x = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    asked, reply = reply_of(kernels, name, signature, x=x, output=output)
    assert reply.faults == ()
    assert reply.y.shape == shape and reply.y.dtype == output
    if x.size:
        np.testing.assert_allclose(reply.y, exactly(asked), rtol=1e-6)


def test_formats_that_c_lacks_are_handed_on_by_their_bits(kernels):
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="pip install ml_dtypes")
    x = np.linspace(-4, 4, 21).reshape(3, 7).astype(ml_dtypes.bfloat16)
    asked, reply = reply_of(kernels, "bits_of_16", "bf16 rows,n", x=x)
    assert reply.faults == () and reply.y.dtype == ml_dtypes.bfloat16
    np.testing.assert_allclose(reply.y.astype(float), exactly(asked), rtol=2**-7)


@pytest.mark.parametrize(
    "operation, name, signature",
    [
        ("logsumexp", "logsumexp", "f32 x,n -> f32"),
        ("softmax_masked", "masked", "f32 rows,n"),
        ("softmax_temperature", "cooled", "f32 x,y,n,temperature=f32"),
    ],
)
def test_operands_are_passed_by_their_names(kernels, operation, name, signature):
    about = OPERATIONS[operation]
    asked, reply = reply_of(kernels, name, signature, about)
    assert reply.faults == ()
    z = exact_of(operation)(*asked.arguments)
    np.testing.assert_allclose(reply.y, z, rtol=1e-6, atol=1e-7)


def test_attention_takes_batches_whose_queries_share_keys_and_mask(kernels):
    rng = np.random.default_rng(0)
    shapes = (2, 3, 4, 8), (2, 1, 5, 8), (5, 2)
    q, k, v = (rng.normal(0, 1, shape).astype(np.float32) for shape in shapes)
    mask = np.array([[True, False, True, True, True]])
    about = OPERATIONS["attention"]
    signature = parse(ATTENTION, about)
    asked = Request(Problem.of(about, FORMATS["float32"]), (q, k, v, mask))
    with Isolated(f"{kernels}:attention", Limits(1.0), Convention(signature)) as process:
        process.load()
        (reply,) = process.serve([asked])
    assert reply.faults == ()
    scores = np.where(mask, q @ np.swapaxes(k, -1, -2) / np.sqrt(8), -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    np.testing.assert_allclose(reply.y, e / e.sum(-1, keepdims=True) @ v, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name, kind, told",
    [
        ("beyond", "out_of_bounds", "wrote beyond its result y: after its end"),
        ("before", "out_of_bounds", "wrote beyond its result y: before its begin"),
        ("to_argument", "input_changed", "wrote to its argument x"),
        ("beside_argument", "out_of_bounds", "wrote beyond its argument x: after its end"),
        ("leaves_the_tail", "unwritten", "left 15 of its 35 results unwritten"),
        ("gives_up", "raised", "returned the error code -7"),
    ],
)
def test_what_a_call_did_wrong_is_told(kernels, name, kind, told):
    signature = "f32 rows,n" + " -> int" * (name == "gives_up")
    _, reply = reply_of(kernels, name, signature)
    assert [(each.kind, each.message) for each in reply.faults] == [(kind, told)]
    assert (reply.y is None) == (kind == "raised")


def test_elements_between_rows_are_nobodys(kernels):
    _, reply = reply_of(kernels, "between", "f32 x,y,y.stride,rows,n")
    (fault,) = reply.faults
    assert fault.message == "wrote beyond its result y: between its rows"


def test_a_nan_of_all_bits_is_no_memory_that_was_left(kernels):
    _, reply = reply_of(kernels, "all_bits")
    assert reply.faults == () and np.isnan(reply.y).all()


def test_a_size_that_its_type_does_not_hold_is_not_cut_off(kernels):
    x = np.zeros((300, 2), np.float32)
    _, reply = reply_of(kernels, "right", "f32 rows:u8,n", x=x)
    (fault,) = reply.faults
    assert fault.message == "takes rows as uint8, which cannot be 300"


@pytest.mark.parametrize("layout", ["fenced", "misaligned"])
@pytest.mark.parametrize(
    "name, signature",
    [
        ("right", "f32 rows,n"),
        ("strided", "f32 n:int,y,y.stride:long,x,x.stride:i64,rows:int -> int"),
        ("in_place", "f32 xy,n:u32"),
    ],
)
def test_arrays_lie_before_a_fence_and_off_any_alignment(kernels, name, signature, layout):
    asked, reply = reply_of(kernels, name, signature, layout=layout)
    assert reply.faults == ()
    np.testing.assert_allclose(reply.y, exactly(asked), rtol=1e-6)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX alone fences pages: run it on Linux")
def test_who_reads_behind_the_end_dies_at_the_fence(kernels):
    _, reply = reply_of(kernels, "reads_on")
    assert reply.faults == ()
    with pytest.raises(Ended) as ended:
        reply_of(kernels, "reads_on", layout="fenced")
    assert ended.value.fault.kind == "died"
    assert ended.value.told == "when called with float32 of shape (5, 7), layout fenced"


def test_numbers_between_rows_show_what_arithmetic_does_there(kernels):
    given = kernels, "doubles_what_is_between", "f32 x,y,y.stride,rows,n"
    assert reply_of(*given)[1].faults == ()
    (fault,) = reply_of(*given, layout="fenced")[1].faults
    assert fault.message == "wrote beyond its result y: between its rows"


def test_each_array_has_a_stride_of_its_own(kernels):
    name = "takes_one_stride_for_both"
    _, reply = reply_of(kernels, name, "f32 n:int,y,y.stride:long,x,x.stride:i64,rows:int -> int")
    assert {each.kind for each in reply.faults} & {"out_of_bounds", "unwritten"}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells these threads: run it there")
def test_threads_that_a_library_leaves_are_counted(kernels):
    _, reply = reply_of(kernels, "leaves_a_thread", times=20)
    assert [each.message for each in reply.faults] == ["left 19 threads behind in 20 calls"]


def test_who_needs_aligned_memory_is_given_other(kernels):
    x = np.zeros((4, 8), np.float32)
    given = kernels, "needs_aligned_memory", "f32 rows,n -> int"
    assert reply_of(*given, x=x)[1].faults == ()
    (fault,) = reply_of(*given, x=x, layout="misaligned")[1].faults
    assert fault.message == "returned the error code 1"


@pytest.mark.parametrize("name, kind", [("crashes", "died"), ("hangs", "timeout")])
def test_what_ends_a_process_ends_that_of_the_function_only(kernels, name, kind):
    with pytest.raises(Ended) as ended:
        reply_of(kernels, name)
    assert ended.value.fault.kind == kind


def test_check_finds_what_is_wrong_and_its_command_finds_it_again(called, kernels):
    words = ("check", f"{kernels}:unshifted", "--signature", "f32 rows,n", "--dtype", "float32")
    done = called(*words, "--fail-fast")
    assert done.returncode == 1
    assert done.stdout.startswith("fail") and "--signature 'f32 rows,n'" in done.stdout
    done = called(*words, "--only", "layouts", "--output-dtype", "float64")
    assert done.returncode == 2 and "leave out --output-dtype" in done.stderr
    done = called(
        *("explain", "200", "1", "--dtype", "float32", "--signature", "f32 rows,n"),
        *("--implementation", f"{kernels}:unshifted"),
    )
    assert done.returncode == 0 and "nan" in done.stdout


def is_one_line(done, *parts):
    assert done.returncode == 2 and done.stdout == "", done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert all(part in done.stderr for part in parts), done.stderr


def test_what_cannot_be_called_is_one_line(called, kernels, tmp_path):
    given = ("--signature", "f32 rows,n")
    is_one_line(called("check", "gone.so:f", *given), "gone.so: no such file")
    is_one_line(called("check", str(kernels), *given), "names no function")
    is_one_line(called("check", f"{kernels}:gone", *given), "has no function 'gone'", "nm -D")
    is_one_line(called("check", f"{kernels}:right"), "say by --signature", "'f32 rows,n' for void")
    is_one_line(called("check", "max-shifted", *given), "--signature", "path/to/lib.so:symbol")
    is_one_line(called("run", *given), "--signature", "nothing that is named")
    is_one_line(called("check", f"{kernels}:right", "--arrays", "torch", *given), "--arrays torch")
    is_one_line(called("check", f"{kernels}:right", "--device", "cuda", *given), "without --arrays")
    (tmp_path / "text.so").write_text("no library")
    is_one_line(called("check", f"{tmp_path}/text.so:f", *given), "cannot be loaded")
    if sys.platform == "linux" and platform.machine() == "x86_64":
        other = bytearray(kernels.read_bytes())
        other[18:20] = b"\xb7\x00"  # e_machine: aarch64
        (tmp_path / "other.so").write_bytes(other)
        is_one_line(called("run", f"{tmp_path}/other.so:right", *given), "for linux on x86_64")


@pytest.mark.parametrize(
    "text, operation, told",
    [
        ("f32 rows,m", "softmax", "'m' is none of x, y, xy, rows, n"),
        ("rows,n", "softmax", "no type is written for x"),
        ("f31 rows,n", "softmax", "'f31 rows' is no parameter"),
        ("f32 rows,,n", "softmax", "'' is no parameter"),
        ("const float *x, float *y", "softmax", "'const float *x' is no parameter"),
        ("f32 x,ldx,y,n", "softmax", "'ldx' is none of x, y, xy, rows, n, nor a size of one"),
        ("f32 rows,n,n", "softmax", "n stands there twice"),
        ("f32 x,rows,n", "softmax", "there is no y"),
        ("f32 y,rows,n", "softmax", "x is missing, which softmax takes"),
        ("f32 x,y,xy,n", "softmax", "y and xy are both there"),
        ("f32 x,y,rows:f32", "softmax", "a size is one of int, long, size_t"),
        ("x:int,y:f32,n", "softmax", "x:int: expected one of f8_e4m3fn, "),
        ("f32 rows,n -> text", "softmax", "-> text: expected one of void, f32"),
        ("f32 x,n -> f32", "softmax", "results of softmax cannot be returned by value"),
        ("f32 x,rows,n -> f32", "logsumexp", "leave out rows"),
        ("f32 x,y,n", "cross_entropy", "target is missing, which cross_entropy takes"),
        ("f32 x,y,target=f32,n", "cross_entropy", "target=f32: expected one of int"),
        ("f32 x,y,mask=u8,n", "softmax_masked", "mask is not one number of a row"),
        ("f32 xy,n", "logsumexp", "cannot take the place of its logits"),
        ("f32 x,y,x[-2]", "softmax", "x has 1 dimensions in a row"),
        ("f32 rows,n", "attention", "write such as k[-2]"),
        ("", "softmax", "'' is no parameter"),
    ],
)
def test_a_bad_signature_is_told_with_one_that_is_right(text, operation, told):
    with pytest.raises(BadImplementation) as raised:
        parse(text, OPERATIONS[operation])
    message = str(raised.value)
    assert told in message and message.startswith(f"--signature {text!r}: ")
    assert "'f32 rows,n' for void f(const float *x, float *y" in message


def test_what_is_not_written_is_implied():
    short = parse("f32 rows,n", OPERATIONS["cross_entropy"])
    assert [each.name for each in short.parameters] == ["x", "target", "y", "rows", "n"]
    assert short.parameters[1] == Array("target", "int64", 0)
    assert short.parameters[3] == Size("rows", "", "c_size_t")
    assert short.declared["dtypes"] == ("float32",) and short.declared["output_dtype"] is None
    mixed = parse("y:f32,x:bf16,n", SOFTMAX)
    assert mixed.declared["dtypes"] == ("bfloat16",)
    assert mixed.declared["output_dtype"] == "float32" and not mixed.takes_rows
