"""What the engines make of the processor: milliseconds a face or a picture, and the share of the machine's peak.

    python benchmarks/bench_engines.py [--models sface,mobileface,yunet] [--int8] [--layers] [--out DIR]

The peak is measured first, in the same run and on the same cores: eight products of 1024 x 1024 matrices in a row, in
OpenVINO (f32 and bf16; AMX where there is any), and numpy's sgemm for f32; the best of them counts. It is a peak of
matrix products as a library reaches it, not of registers. The share is the network's arithmetic (two operations a
multiplication and addition, counted from the shapes of its convolutions and matrix products) over time and peak.

Candidates take turns, medians of five. ``--layers`` adds OpenVINO's time of every kind of layer, for one core.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from threadpoolctl import threadpool_limits

from machine import machine, machine_class
from mien.cores import usable_cores
from mien.models import Card, Store, find_card, int8
from mien.models.blob import blob, input_of
from mien.runtime import Session, open_session, quiet_libraries
from mien.runtime.choose import has_bf16
from mien.runtime.rewrites import Graph, rewrite
from mien.runtime.selftest import golden_input
from mien.types.arrays import FloatArray

SIDE, CHAIN = 1024, 8
BATCHES = (1, 4, 8, 16)
PICTURE = (480, 640)
TURNS = 5


def seconds(call: Callable[[], object], repeats: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def peak(precision: str, cores: int) -> float:
    """GFLOP/s of matrix products, the best of numpy (f32) and OpenVINO."""
    a = np.random.default_rng(0).random((SIDE * cores, SIDE), np.float32)
    weights = (np.random.default_rng(1).random((SIDE, SIDE), np.float32) - 0.5) / SIDE
    source = ops.parameter([SIDE * cores, SIDE], ov.Type.f32)
    value = source.output(0)
    for _ in range(CHAIN):
        value = ops.relu(ops.matmul(value, ops.constant(weights), False, False)).output(0)
    network = ov.Model([ops.reduce_sum(value, ops.constant(np.array([0, 1])), False)], [source])
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": cores, "ENABLE_CPU_PINNING": False}
    request = ov.Core().compile_model(network, "CPU", {**settings, "NUM_STREAMS": 1}).create_infer_request()
    times = [seconds(lambda: request.infer([a], share_inputs=True)) / CHAIN for _ in range(20)]
    if precision == "f32":
        out = np.empty_like(a)
        with threadpool_limits(cores):
            times += [seconds(lambda: np.matmul(a, weights, out=out)) for _ in range(20)]
    return 2 * cores * SIDE**3 / min(times) / 1e9


def graph_of(card: Card) -> Graph:
    return rewrite(Graph.parse(Store().read(card, card.file)), card.rewrites)


def work(card: Card, shape: tuple[int, ...]) -> float:
    """GFLOP of one input, from the shapes that OpenVINO infers."""
    network = ov.Core().read_model(graph_of(card).to_bytes())
    network.reshape(list(shape))
    total = 0.0
    for node in network.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "MatMul":
            total += 2 * np.prod(node.get_output_shape(0)) * node.get_input_shape(0)[-1]
        elif kind in ("Convolution", "GroupConvolution"):
            kernel = node.get_input_shape(1)
            total += 2 * np.prod(node.get_output_shape(0)) * np.prod(kernel[1 if kind == "Convolution" else 2 :])
    return float(total) / 1e9 / shape[0]


def inputs(card: Card, batch: int) -> FloatArray:
    height, width = PICTURE if card.kind == "detector" else (112, 112)
    waves = golden_input((batch, 3, height, width)).transpose(0, 2, 3, 1)
    return blob(np.ascontiguousarray(waves).astype(np.uint8), input_of(card))


def candidates(card: Card, *, with_int8: bool) -> dict[str, bytes]:
    data = Store().read(card, card.file)
    found = {"onnxruntime f32": data, "openvino f32": data}
    if has_bf16():
        found["openvino bf16"] = data
    if with_int8 and int8.has(card, Store()):
        found["openvino int8"] = int8.read(card, Store())[1]
    return found


def opened(name: str, data: bytes, card: Card, threads: str) -> Session:
    engine, precision = name.split()
    return open_session(data, rewrites=card.rewrites, engine=engine, precision=precision, threads=threads)


def bench(card: Card, peaks: dict[tuple[str, int], float], *, with_int8: bool) -> list[dict[str, object]]:
    """Rows for one caller on one core, one caller on all, and a caller a core."""
    cores = usable_cores()
    rows: list[dict[str, object]] = []
    batches = (1,) if card.kind == "detector" else BATCHES
    for batch in batches:
        pixels = inputs(card, batch)
        gflop = work(card, pixels.shape)
        times: dict[tuple[str, str], list[float]] = defaultdict(list)
        every = candidates(card, with_int8=with_int8)
        sessions = {
            (name, threads): opened(name, data, card, threads)
            for name, data in every.items()
            for threads in ("throughput", "latency")
        }
        with ThreadPoolExecutor(cores) as pool:
            for turn in range(TURNS + 1):
                for (name, threads), session in sessions.items():
                    for mode in ("one core", "a caller a core") if threads == "throughput" else ("one caller",):
                        taken = burst(session, pixels, mode, pool, cores)
                        if turn:
                            times[name, mode].append(taken / batch)
        for (name, mode), taken in times.items():
            ms = median(taken) * 1e3
            used = 1 if mode == "one core" else cores
            limit = peaks["f32" if name.endswith("f32") else "bf16", used]
            share = gflop / ms * 1e3 / limit
            rows.append(
                {"model": card.name, "engine": name, "mode": mode, "batch": batch, "ms": round(ms, 3)}
                | {"gflops": round(gflop / ms * 1e3), "peak_gflops": round(limit), "share": round(share, 3)}
            )
            print(f"{card.name:10} {name:16} {mode:15} batch {batch:2}: {ms:7.3f} ms, {share:4.0%} of the peak")
    return rows


def burst(session: Session, pixels: FloatArray, mode: str, pool: ThreadPoolExecutor, cores: int) -> float:
    """Seconds a call."""
    calls = max(2, 16 // len(pixels))
    if mode != "a caller a core":
        return seconds(lambda: session.run(pixels), calls)

    def all_cores() -> None:
        for future in [pool.submit(session.run, pixels) for _ in range(calls * cores)]:
            future.result()

    return seconds(all_cores) / (calls * cores)


def layers(card: Card, precision: str, batch: int) -> None:
    """OpenVINO's own clock: ms an item by kind of layer and kernel, one core."""
    settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
    compiled = ov.Core().compile_model(
        ov.Core().read_model(graph_of(card).to_bytes()), "CPU", {**settings, "PERF_COUNT": True}
    )
    request, pixels = compiled.create_infer_request(), inputs(card, batch)
    spent: dict[str, float] = defaultdict(float)
    for turn in range(TURNS + 1):
        request.infer([pixels])
        for node in request.profiling_info if turn else ():
            spent[f"{node.node_type} {node.exec_type}"] += node.real_time.total_seconds() / TURNS / batch
    for kind, taken in sorted(spent.items(), key=lambda item: -item[1]):
        if taken > 1e-5:
            print(f"  {taken * 1e3:7.3f} ms  {kind}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="sface,mobileface,yunet", help="cards, with commas")
    parser.add_argument("--int8", action="store_true", help="also the int8 networks that `mien models tune` made")
    parser.add_argument("--layers", action="store_true", help="time by kind of layer")
    parser.add_argument("--out", type=Path, help="folder for a CSV of the figures")
    options = parser.parse_args()
    facts, cores = machine(), usable_cores()
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    precisions = ["f32", "bf16"] if has_bf16() else ["f32"]
    with quiet_libraries():
        peaks = {(precision, n): peak(precision, n) for precision in precisions for n in {1, cores}}
        for (precision, n), value in peaks.items():
            print(f"peak of {precision} matrix products, {n} cores: {value:,.0f} GFLOP/s")
        rows = []
        for card in map(find_card, options.models.split(",")):
            rows += bench(card, peaks, with_int8=options.int8)
            for precision in precisions if options.layers else ():
                print(f"{card.name} in OpenVINO {precision}, one core, by kind of layer:")
                layers(card, precision, 1 if card.kind == "detector" else 8)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with (options.out / f"engines-{machine_class(facts)}-{facts['commit']}.csv").open("w", newline="") as f:
            writer = csv.DictWriter(f, [*rows[0], *facts])
            writer.writeheader()
            writer.writerows({**row, **facts} for row in rows)


if __name__ == "__main__":
    main()
