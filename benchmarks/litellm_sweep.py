"""LiteLLM's own health check over N deployments; runs in LiteLLM's environment, prints what it cost as JSON.

`python litellm_sweep.py BASE TARGETS SWEEPS`: the first sweep makes the clients and is not counted.
"""

import asyncio
import json
import os
import resource
import sys
import time

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no look-up on the network at import

from litellm.proxy.health_check import _perform_health_check


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(base: str, targets: int, sweeps: int) -> None:
    deployments = [
        {
            "model_name": f"target-{number}",
            "litellm_params": {
                "model": "openai/gpt-4.1-nano",
                "api_base": base.format(number),
                "api_key": f"sk-bench-{number}",
            },
            "model_info": {"id": f"target-{number}"},
        }
        for number in range(1, targets + 1)
    ]
    await _sweep(deployments)
    started_s, cpu_s = time.perf_counter(), _cpu_s()
    for _ in range(sweeps):
        await _sweep(deployments)
    probes = targets * sweeps
    cost = {
        "cpu_ms": 1000 * (_cpu_s() - cpu_s) / probes,
        "per_s": probes / (time.perf_counter() - started_s),
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(cost))


async def _sweep(deployments: list[dict[str, object]]) -> None:
    healthy, unhealthy, *_ = await _perform_health_check(deployments)
    if unhealthy or len(healthy) != len(deployments):
        raise SystemExit(
            f"{len(unhealthy)} {str(unhealthy[:1])[:1500]} of {len(deployments)} are unhealthy: this is no benchmark"
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
