"""PyTorch: what changes the bits of a row's float32 softmax on a GPU."""

import warnings

import torch

warnings.simplefilter("ignore")
inf = float("inf")
lengths = (32, 100, 1000, 1024, 2048, 4096, 16384, 50000)


def changed(softmax, change):
    told = []
    for n in lengths:
        x = torch.randn(64, n, device="cuda", generator=torch.Generator("cuda").manual_seed(n)) * 3
        same = (softmax(x, -1) == change(softmax, x)).all(-1)
        told.append(f"{n}: {int((~same).sum())}")
    return ", ".join(told)


def longer(softmax, x):
    return softmax(torch.cat([x, torch.full_like(x[:, :1], -inf)], 1), -1)[:, :-1]


def alone(softmax, x):
    return torch.cat([softmax(x[row : row + 1], -1) for row in range(len(x))])


def first_axis(softmax, x):
    return softmax(x.T.contiguous(), 0).T


def again(softmax, x):
    return softmax(x, -1)


print(f"torch {torch.__version__} on {torch.cuda.get_device_name()}: rows of 64 with other bits")
for name, softmax in (
    ("eager", torch.softmax),
    ("compiled", torch.compile(torch.softmax, dynamic=True)),
):
    for change in (again, longer, alone, first_axis):
        print(f"{name}, {change.__name__.replace('_', ' ')}: {changed(softmax, change)}")
