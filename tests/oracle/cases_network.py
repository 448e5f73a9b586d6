"""Layers, losses, optimisers."""
import torch
import torch.nn.functional as F
from oracle import Case, constant

LAST = torch.channels_last


def convolutions():
    def call(x, a):
        return F.conv2d(x[0], x[1], x[2] if len(x) > 2 else None, **a)

    table = [  # x, weight, options
        ((2, 3, 8, 8), (4, 3, 3, 3), {}), ((2, 3, 8, 8), (4, 3, 3, 3), {"padding": 1}),
        ((2, 3, 9, 7), (4, 3, 3, 3), {"stride": 2, "padding": 1}), ((2, 4, 8, 8), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
        ((2, 4, 8, 8), (4, 1, 3, 3), {"groups": 4}), ((2, 4, 8, 8), (8, 1, 3, 3), {"groups": 4, "padding": 1}),
        ((1, 3, 11, 11), (2, 3, 3, 3), {"dilation": 2}), ((2, 3, 8, 8), (5, 3, 1, 1), {}),
        ((1, 3, 15, 15), (4, 3, 7, 7), {"stride": 2, "padding": 3}), ((2, 3, 8, 9), (4, 3, 2, 5), {"stride": [1, 3]}),
        ((2, 3, 6, 6), (4, 3, 3, 5), {"padding": [1, 2], "stride": [2, 1]}), ((2, 1, 28, 28), (32, 1, 3, 3), {"padding": 1}),
        ((0, 3, 8, 8), (4, 3, 3, 3), {}), ((2, 16, 10, 10), (32, 16, 5, 5), {"padding": 2}),
        ((2, 20, 9, 8), (20, 1, 5, 5), {"groups": 20, "padding": 2, "stride": 2}),
        ((3, 16, 7, 7), (16, 1, 3, 3), {"groups": 16, "padding": 1}), ((2, 18, 12, 9), (18, 1, 3, 7), {"groups": 18, "padding": [1, 3]}),
        ((1, 33, 14, 14), (33, 1, 5, 3), {"groups": 33, "padding": [4, 2], "dilation": 2}), ((2, 17, 3, 2), (17, 1, 7, 7), {"groups": 17, "padding": 3}),
        ((2, 3, 3, 3), (4, 3, 3, 3), {}), ((1, 3, 12, 12), (4, 3, 3, 3), {"stride": 5}),
    ]
    for x, w, options in table:
        for dtype in (torch.float32, torch.float64):
            tensors = [torch.randn(x, dtype=dtype), torch.randn(w, dtype=dtype), torch.randn(w[0], dtype=dtype)]
            yield Case("conv2d", call, tensors, options, scale=20)
        yield Case("conv2d", call, [torch.randn(x).contiguous(memory_format=LAST), torch.randn(w)], options, scale=20)
    yield Case("conv2d", call, [torch.randn(2, 8, 8, 3).permute(0, 3, 1, 2), torch.randn(4, 3, 3, 3)], {}, scale=20)
    yield Case("conv2d", call, [torch.randn(2, 3, 8, 16)[..., ::2], torch.randn(4, 3, 3, 6)[..., ::2]], {}, scale=20)
    for x, w, options in (((2, 3, 8, 8), (4, 2, 3, 3), {}), ((2, 3, 2, 2), (4, 3, 3, 3), {}),
                          ((2, 3, 8, 8), (4, 3, 3, 3), {"stride": 0}), ((2, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}),
                          ((2, 3, 8, 8), (4, 3, 3, 3), {"padding": -1}), ((2, 3, 8, 8), (4, 3, 3), {})):
        yield Case("conv2d", call, [torch.randn(x), torch.randn(w)], options, error=True)
    for pad in ([1, 2, 0, 3], [0, 0, 1, 1], [2, 2, 2, 2]):
        x = torch.randn(2, 3, 5, 6)
        yield Case("pad2d", lambda x, a: F.pad(x[0], a["pad"], value=a["value"]), [x], {"pad": pad, "value": 1.5})
        for mode in ("reflect", "replicate", "circular"):
            yield Case("pad2d", lambda x, a: F.pad(x[0], a["pad"], a["mode"]), [x], {"pad": pad, "mode": mode})


def pooling():
    inputs = [torch.randn(2, 3, 8, 9), torch.randn(2, 16, 8, 8).contiguous(memory_format=LAST), torch.randn(2, 3, 9, 8).transpose(2, 3)]
    for x in inputs:
        for args in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": [3, 2], "stride": [2, 3]},
                     {"kernel_size": 3, "stride": 2, "ceil_mode": True}, {"kernel_size": 2, "stride": 2, "dilation": 2},
                     {"kernel_size": 3, "stride": 1, "padding": 1}):
            yield Case("max_pool2d", lambda x, a: F.max_pool2d(x[0], **a), [x], args)
            if "dilation" not in args:
                yield Case("avg_pool2d", lambda x, a: F.avg_pool2d(x[0], **a), [x], args)
        yield Case("avg_pool2d", lambda x, a: F.avg_pool2d(x[0], **a), [x],
                   {"kernel_size": 3, "padding": 1, "count_include_pad": False, "ceil_mode": True})
        for size in (1, 3, [2, 5], [8, 8]):
            yield Case("adaptive_avg_pool2d", lambda x, a: F.adaptive_avg_pool2d(x[0], a["output_size"]), [x], {"output_size": size})
    ties = torch.zeros(1, 1, 4, 4)
    yield Case("max_pool2d", lambda x, a: F.max_pool2d(x[0], **a), [ties], {"kernel_size": 2}, label="ties")
    holes = torch.full((1, 1, 4, 4), float("-inf"))
    holes[0, 0, 1, 1] = float("nan")
    yield Case("max_pool2d", lambda x, a: F.max_pool2d(x[0], **a), [holes], {"kernel_size": 2}, label="nan and -inf")
    for args in ({"kernel_size": 2, "padding": 2}, {"kernel_size": 0}, {"kernel_size": 20}):
        yield Case("max_pool2d", lambda x, a: F.max_pool2d(x[0], **a), [torch.randn(1, 1, 8, 8)], args, error=True)


def shuffles():
    def call(x, a):  # torch.channel_shuffle has no gradient in 1.13
        n, c, *rest = x[0].shape
        return x[0].reshape(n, a["groups"], c // a["groups"], *rest).transpose(1, 2).reshape(x[0].shape)

    for x in (torch.randn(2, 6, 3, 4), torch.randn(2, 6, 3, 4).contiguous(memory_format=LAST), torch.randn(1, 6, 5)):
        for groups in (1, 2, 3, 6):
            yield Case("channel_shuffle", call, [x], {"groups": groups})
    yield Case("channel_shuffle", lambda x, a: torch.channel_shuffle(x[0], a["groups"]), [torch.randn(2, 6, 3, 4)], {"groups": 4}, error=True)


def normalisation():
    def call(x, a):
        mean, var = (x[3].clone(), x[4].clone()) if len(x) > 3 else (None, None)
        y = F.batch_norm(x[0], mean, var, x[1], x[2], a["training"], a.get("momentum", 0.1), a.get("eps", 1e-5))
        if len(x) > 5:
            y = y + x[5]
        return F.relu(y) if a.get("relu") else y, mean if mean is not None else y.detach() * 0, var if var is not None else None

    def checked(x, a):
        y, mean, var = call(x, a)
        return y if mean is None or var is None else (y, mean, var)

    for shape in ((6, 5), (4, 5, 7), (4, 5, 6, 7), (4, 5, 1, 1)):
        forms = [torch.randn(shape) * 2 + 3]
        if len(shape) == 4:
            forms.append(forms[0].contiguous(memory_format=LAST))
        for x in forms:
            c = shape[1]
            for training in (True, False):
                for relu in (False, True):
                    affine = [torch.rand(c) + 0.5, torch.randn(c)]
                    running = [constant(torch.randn(c)), constant(torch.rand(c) + 0.5)]
                    args = {"training": training, "relu": relu, "momentum": 0.3, "eps": 1e-3}
                    yield Case("batch_norm", checked, [x, *affine, *running], args, scale=10)
                    yield Case("batch_norm", checked, [x, *affine, *running, torch.randn(shape)], args, scale=10, label="residual")
    yield Case("batch_norm", checked, [torch.randn(1, 5), torch.rand(5), torch.rand(5), constant(torch.rand(5)), constant(torch.rand(5))],
               {"training": True}, error=True)
    yield Case("batch_norm", checked, [torch.randn(64, 32, 14, 14) + 100, torch.rand(32), torch.rand(32), constant(torch.zeros(32)),
                                       constant(torch.ones(32))], {"training": True}, scale=100, label="far from zero")
    for shape, normalized in (((4, 10), [10]), ((2, 3, 8), [3, 8]), ((5, 200), [200])):
        yield Case("layer_norm", lambda x, a: F.layer_norm(x[0], a["normalized_shape"], x[1], x[2], a["eps"]),
                   [torch.randn(shape), torch.rand(normalized), torch.randn(normalized)], {"normalized_shape": normalized, "eps": 1e-3},
                   scale=10)
        yield Case("layer_norm", lambda x, a: F.layer_norm(x[0], a["normalized_shape"]), [torch.randn(shape)],
                   {"normalized_shape": normalized}, scale=10)


def linear():
    call = lambda x, a: F.linear(*x)
    for x, w in (((4, 3), (5, 3)), ((3,), (5, 3)), ((2, 4, 3), (5, 3)), ((0, 3), (5, 3)), ((15, 1), (3, 1)), ((15, 3), (1, 3)),
                 ((64, 512), (100, 512))):
        yield Case("linear", call, [torch.randn(x), torch.randn(w), torch.randn(w[0])], scale=10)
        yield Case("linear", call, [torch.randn(x), torch.randn(w)], scale=10)
        yield Case("linear", call, [torch.randn(x).double(), torch.randn(w).double(), torch.randn(w[0]).double()], scale=10)
    yield Case("linear", call, [torch.randn(3, 4).t(), torch.randn(3, 5).t()], scale=10)
    yield Case("linear", call, [torch.randn(4, 2), torch.randn(5, 3)], error=True)


def losses():
    scores, labels = torch.randn(6, 5), torch.randint(5, (6,))
    for reduction in ("mean", "sum", "none"):
        for args in ({}, {"label_smoothing": 0.1}, {"ignore_index": 2}):
            for weight in (None, constant(torch.rand(5) + 0.2)):
                extra = [] if weight is None else [weight]
                call = lambda x, a: F.cross_entropy(x[0], x[1], x[2] if len(x) > 2 else None, **a)
                yield Case("cross_entropy", call, [scores, labels, *extra], dict(args, reduction=reduction))
                images, maps = torch.randn(2, 5, 3, 4), torch.randint(5, (2, 3, 4))
                yield Case("cross_entropy", call, [images, maps, *extra], dict(args, reduction=reduction))
                yield Case("cross_entropy", call, [images.contiguous(memory_format=LAST), maps, *extra], dict(args, reduction=reduction))
                if "ignore_index" not in args:
                    soft = constant(torch.softmax(torch.randn(6, 5), 1))
                    yield Case("cross_entropy", call, [scores, soft, *extra], dict(args, reduction=reduction))
                if not args:
                    yield Case("cross_entropy", call, [torch.randn(5), torch.tensor(3), *extra], {"reduction": reduction})
                if "label_smoothing" not in args:
                    logs = torch.log_softmax(scores, 1)
                    yield Case("nll_loss", lambda x, a: F.nll_loss(x[0], x[1], x[2] if len(x) > 2 else None, **a),
                               [logs, labels, *extra], dict(args, reduction=reduction))
        a, b = torch.randn(4, 3), torch.randn(4, 3)
        for name, function in (("mse_loss", F.mse_loss), ("l1_loss", F.l1_loss), ("smooth_l1_loss", F.smooth_l1_loss)):
            yield Case(name, lambda x, args, f=function: f(x[0], x[1], **args), [a, b], {"reduction": reduction})
        yield Case("smooth_l1_loss", lambda x, a: F.smooth_l1_loss(x[0], x[1], **a), [a, b], {"reduction": reduction, "beta": 0.3})
        p, t = torch.rand(4, 3), constant(torch.rand(4, 3))
        yield Case("bce", lambda x, a: F.binary_cross_entropy(x[0], x[1], x[2] if len(x) > 2 else None, **a), [p, t],
                   {"reduction": reduction})
        yield Case("bce", lambda x, a: F.binary_cross_entropy(x[0], x[1], x[2], **a), [p, t, constant(torch.rand(3))],
                   {"reduction": reduction})
        yield Case("bce", lambda x, a: F.binary_cross_entropy(x[0], x[1], **a), [torch.tensor([0.0, 1.0]), constant(torch.tensor([0.5, 0.5]))],
                   {"reduction": reduction}, grads=0, label="at the ends")
        yield Case("bce_with_logits", lambda x, a: F.binary_cross_entropy_with_logits(x[0], x[1], **a), [a * 20, t], {"reduction": reduction})
        yield Case("bce_with_logits", lambda x, a: F.binary_cross_entropy_with_logits(x[0], x[1], x[2], pos_weight=x[3], **a),
                   [a, t, constant(torch.rand(4, 3)), constant(torch.rand(3))], {"reduction": reduction})
    yield Case("cross_entropy", lambda x, a: F.cross_entropy(x[0], x[1]), [scores, labels + 3], error=True)
    yield Case("cross_entropy", lambda x, a: F.cross_entropy(x[0], x[1]), [scores, labels[:3]], error=True)
    yield Case("cross_entropy", lambda x, a: F.cross_entropy(x[0], x[1], ignore_index=a["ignore_index"]),
               [scores, torch.full((6,), 2)], {"ignore_index": 2}, label="all ignored", grads=0)
    yield Case("cross_entropy", lambda x, a: F.cross_entropy(x[0], x[1]), [torch.randn(0, 5), torch.zeros(0, dtype=torch.int64)], grads=0)


def optimizers():
    shapes = [(3, 4), (5,), (2, 3, 3, 3)]
    table = {
        "SGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
                {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}, {"lr": 0.1, "maximize": True}],
        "Adam": [{}, {"lr": 0.01, "betas": [0.8, 0.99], "eps": 1e-6}, {"weight_decay": 0.1}, {"amsgrad": True}, {"maximize": True}],
        "AdamW": [{}, {"weight_decay": 0.3, "lr": 0.01}, {"amsgrad": True}],
    }
    for name, options in table.items():
        def call(x, a, name=name):
            count = len(x) // 2
            params = [p.detach().clone().requires_grad_() for p in x[:count]]
            optimizer = getattr(torch.optim, name)(params, **a)
            for step in range(x[count].shape[0]):
                for p, g in zip(params, x[count:]):
                    p.grad = g[step].clone()
                optimizer.step()
            return [p.detach() for p in params]

        for args in options:
            for dtype in (torch.float32, torch.float64):
                params = [torch.randn(shape, dtype=dtype) for shape in shapes]
                grads = [torch.randn((20,) + shape, dtype=dtype) for shape in shapes]
                yield Case(name, call, params + grads, args, grads=0)


def cases():
    yield from convolutions()
    yield from pooling()
    yield from shuffles()
    yield from normalisation()
    yield from linear()
    yield from losses()
    yield from optimizers()
