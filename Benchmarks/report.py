"""Samples into medians, ratios, lines and JSON."""

import statistics
from dataclasses import dataclass

from .load import BIG, Case, Load


@dataclass(frozen=True)
class Sample:
    load: Load
    # CPU seconds of each side during the load.
    cpu: dict[str, float]


def middle(values) -> dict[str, float]:
    values = sorted(values)
    return {"median": statistics.median(values), "min": values[0], "max": values[-1]}


def summary(samples: list[Sample]) -> dict:
    sides = samples[0].cpu
    return {
        "rate": middle(sample.load.rate for sample in samples),
        "p50_ms": statistics.median(sample.load.p50 for sample in samples),
        "p99_ms": statistics.median(sample.load.p99 for sample in samples),
        "cpu_us": {
            side: statistics.median(
                sample.cpu[side] / sample.load.requests * 1e6 for sample in samples)
            for side in sides
        },
    }


def add_ratios(results: dict[str, dict]) -> None:
    """Beside each subject's figures, how they stand to its reference's, which may be left out."""
    for result in results.values():
        reference = results.get(result["reference"], result)
        result["ratio"] = result["rate"]["median"] / reference["rate"]["median"]
        result["cpu_ratio"] = sum(result["cpu_us"].values()) / sum(reference["cpu_us"].values())


def lines(case: Case, results: dict[str, dict]):
    big = "big" in case.path or case.body >= BIG
    yield f"\n{case.name}  ({'MB' if big else 'requests'} a second: median, least to most)"
    for name, result in results.items():
        scale = BIG / 1e6 if big else 1
        rate = {key: value * scale for key, value in result["rate"].items()}
        cpu = "  ".join(f"{side} {value:.1f}" for side, value in result["cpu_us"].items())
        yield (
            f"  {name:12} {rate['median']:8.0f} ({rate['min']:.0f} to {rate['max']:.0f})"
            f"  ratio {result['ratio']:.2f}  p50 {result['p50_ms']:.2f} p99 {result['p99_ms']:.2f} ms"
            f"  CPU us/request: {cpu}  ratio {result['cpu_ratio']:.2f}")
