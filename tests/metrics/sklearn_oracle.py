"""sklearn_oracle.py IN.npz OUT.npz: what scikit-learn says of each case that sklearn_test.cpp has written."""
import math
import sys
import warnings

import numpy
from sklearn import metrics


def labels_figures(target, guess, classes, weight):
    yield "accuracy", metrics.accuracy_score(target, guess, sample_weight=weight)
    yield "balanced", metrics.balanced_accuracy_score(target, guess, sample_weight=weight)
    yield "balanced_adjusted", metrics.balanced_accuracy_score(target, guess, sample_weight=weight, adjusted=True)
    yield "matrix", metrics.confusion_matrix(target, guess, sample_weight=weight, labels=range(classes)).astype(float)
    yield "matthews", metrics.matthews_corrcoef(target, guess, sample_weight=weight)
    for name in ("linear", "quadratic", None):
        yield f"kappa_{name}", metrics.cohen_kappa_score(target, guess, weights=name, sample_weight=weight,
                                                         labels=range(classes))
    for average in ("micro", "macro", "weighted"):
        for zero in (0, 1):
            p, r, f, _ = metrics.precision_recall_fscore_support(target, guess, average=average, sample_weight=weight,
                                                                 zero_division=zero)
            yield f"precision_{average}_{zero}", p
            yield f"recall_{average}_{zero}", r
            yield f"f1_{average}_{zero}", f
        yield f"f2_{average}", metrics.fbeta_score(target, guess, beta=2, average=average, sample_weight=weight)
        yield f"iou_{average}", metrics.jaccard_score(target, guess, average=average, sample_weight=weight)
    p, r, f, _ = metrics.precision_recall_fscore_support(target, guess, labels=range(classes), sample_weight=weight,
                                                         zero_division=0)
    yield "precisions", p
    yield "recalls", r
    yield "f1s", f
    yield "f1_all", metrics.f1_score(target, guess, labels=range(classes), average="macro", sample_weight=weight)


def curve_figures(target, score, weight):
    if len(set(target)) > 1:
        yield "auc", metrics.roc_auc_score(target, score, sample_weight=weight)
        fpr, tpr, thresholds = metrics.roc_curve(target, score, sample_weight=weight, drop_intermediate=False)
        yield "fpr", fpr
        yield "tpr", tpr
        yield "roc_thresholds", thresholds[1:]
    yield "ap", metrics.average_precision_score(target, score, sample_weight=weight)
    if target.any():
        p, r, thresholds = metrics.precision_recall_curve(target, score, sample_weight=weight)
        yield "pr_precision", p
        yield "pr_recall", r
        yield "pr_thresholds", thresholds


def rest_figures(target, p, classes, weight):
    hot = numpy.eye(classes)[target]
    if len(set(target)) == classes:
        for average in ("macro", "weighted", "micro"):
            yield f"auc_{average}", metrics.roc_auc_score(hot, p, average=average, sample_weight=weight)
    for average in ("macro", "weighted", "micro"):
        yield f"ap_{average}", metrics.average_precision_score(hot, p, average=average, sample_weight=weight)


def probability_figures(target, p, classes, weight):
    yield "log_loss", metrics.log_loss(target, p, labels=range(classes), sample_weight=weight)
    if classes == 2:
        yield "brier", metrics.brier_score_loss(target, p[:, 1], pos_label=1, sample_weight=weight)
    for k in (1, 2):
        if k < classes and classes > 2:
            yield f"top{k}", metrics.top_k_accuracy_score(target, p, k=k, labels=range(classes), sample_weight=weight)


def regression_figures(target, guess, weight):
    yield "mae", metrics.mean_absolute_error(target, guess, sample_weight=weight)
    yield "mse", metrics.mean_squared_error(target, guess, sample_weight=weight)
    yield "rmse", metrics.mean_squared_error(target, guess, sample_weight=weight, squared=False)
    yield "mape", metrics.mean_absolute_percentage_error(target, guess, sample_weight=weight)
    yield "max", metrics.max_error(target, guess)
    yield "r2", metrics.r2_score(target, guess, sample_weight=weight)
    yield "explained", metrics.explained_variance_score(target, guess, sample_weight=weight)
    if (target >= 0).all() and (guess >= 0).all():
        yield "msle", metrics.mean_squared_log_error(target, guess, sample_weight=weight)


def figures(get):
    kind, weight = get("kind"), get("weight")
    target = get("target")
    if kind == 0:
        classes = int(get("classes"))
        yield from labels_figures(target, get("guess"), classes, weight)
        p = get("p")
        yield from probability_figures(target, p, classes, weight)
        if classes == 2:
            yield from curve_figures(target, p[:, 1], weight)
        else:
            yield from rest_figures(target, p, classes, weight)
    elif kind == 1:
        yield from regression_figures(target, get("guess"), weight)
    else:
        yield "sum", math.fsum(target)


def main():
    warnings.simplefilter("ignore")
    given = numpy.load(sys.argv[1])
    cases = sorted({name.split("/")[0] for name in given.files})
    result = {}
    for case in cases:
        for name, value in figures(lambda key: given.get(f"{case}/{key}")):
            result[f"{case}/{name}"] = numpy.asarray(value, dtype=numpy.float64)
    numpy.savez(sys.argv[2], **result)


if __name__ == "__main__":
    main()
