"""A Ray cluster of two nodes in a process of its own: prints its address, removes the second node at a line of input."""

import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
SOON = {"health_check_period_ms": 500, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 3}
"""A node that is gone is missed in seconds, not in the twenty that suit a network."""


def main() -> None:
    """Run until the input ends."""
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": SOON})
    second = cluster.add_node(**NODE)
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
        print("removed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
