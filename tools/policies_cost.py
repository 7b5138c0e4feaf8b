# SPDX-License-Identifier: Apache-2.0
"""policies_cost: what the learned policy may cost a fault, for tools/bench, which measures it,
and tools/policies_table.py.

LIMITS: what it is, its value from the rows of a report of tools/bench, at most.
"""

LIMITS = (
    ("learned policy: mean fault that evicts a clean page, beyond the copy",
     lambda r: r["fault_reads_hazard_mean"] - r["page_copy"], 1500),
    ("learned policy: mean fault where threads wait for the store",
     lambda r: r["fault_reads_clock_mean"] - r["page_copy"] + r["fault_waits_hazard_mean"] -
     r["fault_waits_clock_mean"], 1500),
    ("learned policy: longest fault, more than a mean one with CLOCK",
     lambda r: r["fault_reads_hazard_max"] - r["fault_reads_clock_mean"], 2000),
    ("learned policy: longest fault where threads wait, likewise",
     lambda r: r["fault_waits_hazard_max"] - r["fault_waits_clock_mean"], 2000),
)
