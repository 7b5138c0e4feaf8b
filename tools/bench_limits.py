# SPDX-License-Identifier: Apache-2.0
"""bench_limits: what was promised of the counts, for tools/bench.

A limit: what it is; its value from a report's numbers by name; at most that; the nearest peer's
figure on the same work; and how much higher the limit is on other machines than x86_64.
"""
import collections

import policies_cost

Limit = collections.namedtuple("Limit", "name value most peer factor", defaults=(None, 1.4))


def fault(name, value, most, peer=None):
    """What was promised of all machines within 1.3 times x86_64's."""
    return Limit(name, value, most, peer, 1.3)


def locked_page(r):
    """Mapped and unmapped, of 256: builds with user mode zero what is locked, which is apart."""
    return (r["anon_lock_map_256"] + r["anon_lock_unmap_256"]) / 256 - r["page_zero_window"]


# What a fault executes for a disk, by part, and not where pages go to RAM.
DISK_PARTS = ("driver", "switch", "trap", "locks", "domain", "tlb")


def derived(rows, parts):
    """Rows that are differences of others."""
    disk, ram = (parts[f"user_clock_{store}_free_mean"] for store in ("disk", "ram"))
    return {
        "disk_part": sum(disk.get(part, 0) - ram.get(part, 0) for part in DISK_PARTS),
        "hazard_beyond_clock": (rows["user_hazard_disk_clean_mean"] -
                                rows["user_clock_disk_clean_mean"]),
    }


LIMITS = (
    Limit("map 4096 pages of physical memory, per page",
          lambda r: r["phys_map_4096"] / 4096, 12, "61"),
    Limit("map 4096 pages of physical memory, large leaves",
          lambda r: r["phys_map_4096_large"], 1999),
    fault("map and unmap 256 locked pages, per page", locked_page, 40, "327"),
    fault("map and unmap 256 locked pages whose frames come in runs, per page", locked_page, 25),
    fault("map a page of physical memory", lambda r: r["phys_map_1"], 190, "522"),
    fault("unmap a page of physical memory", lambda r: r["phys_unmap_1"], 220, "519"),
    fault("map a locked page", lambda r: r["anon_lock_map_1"] - r["page_zero_window"], 250, "522"),
    fault("unmap a locked page", lambda r: r["anon_lock_unmap_1"], 280, "519"),
    fault("map a lazy page", lambda r: r["anon_lazy_map_1"], 190, "522"),
    fault("unmap a lazy page", lambda r: r["anon_lazy_unmap_1"], 220, "519"),
    Limit("map 64 pages below 1000 holes, more than below none",
          lambda r: r["phys_map_64_holes_1000"] - r["phys_map_64_holes_0"], 300, "42,000"),
    fault("fault that finds a free frame, beyond the copy",
          lambda r: r["fault_free_frame"] - r["page_copy"], 300, "606"),
    fault("fault of a user program in its domain, free frame, beyond the copy",
          lambda r: r["user_clock_ram_free_mean"] - r["page_copy"], 600),
    fault("fault that evicts a clean page, beyond the copy",
          lambda r: r["fault_evict_clean"] - r["page_copy"], 600, "21,000"),
    fault("fault of a user program that evicts a clean page, mean, likewise",
          lambda r: r["user_clock_ram_clean_mean"] - r["page_copy"], 1000),
    fault("what a disk takes of a fault: submit, interrupt, wake, two switches",
          lambda r: r["disk_part"], 374),
    fault("learned policy: all its work, a fault that evicts, more than CLOCK's",
          lambda r: r["hazard_beyond_clock"], 1500),
    *(Limit(*limit) for limit in policies_cost.LIMITS),
    Limit("switch between two domains, more than inside one",
          lambda r: r["switch_two_domains"] - r["switch_one_domain"], 60),
    Limit("tables of a domain with 4 partitions of 16 pages in one stretch",
          lambda r: r["domain_tables"], 5, "260"),
    Limit("map a page with 64 domains elsewhere, more than with none",
          lambda r: r["map_64_domains"] - r["map_0_domains"], 0),
    Limit("evict a page with 64 domains elsewhere, more than with none",
          lambda r: r["page_out_64_domains"] - r["page_out_0_domains"], 0),
    fault("add a partition of 1 page where the leaf table is private",
          lambda r: r["partition_add_1"], 450),
    Limit("interrupts masked, longest", lambda r: r["irq_off_max"], 5000),
    fault("interrupts masked, longest, with 60 domains of 60 partitions",
          lambda r: r["irq_off_crowd_60"], 2500),
    Limit("metadata of a frame, bytes", lambda r: r["frame_bytes"], 8),
    fault("text of mm, pagetable and the port, no user mode, bytes",
          lambda r: r["text_bytes"], 28672),
    fault("text without clusters, statistics, dump and large leaves, bytes",
          lambda r: r["text_smaller_bytes"], 23552),
    fault("text of the profile tiny, bytes", lambda r: r["text_tiny_bytes"], 12288),
)

PEERS = {
    "arm64": {"map 4096 pages of physical memory, per page": "116",
              "map and unmap 256 locked pages, per page": "444"},
}


def limits_of(arch):
    """The limits as they are on a machine."""
    for limit in LIMITS:
        if arch == "x86_64":
            yield limit
        else:
            yield limit._replace(most=int(limit.most * limit.factor + 1e-6),
                                 peer=PEERS.get(arch, {}).get(limit.name))
