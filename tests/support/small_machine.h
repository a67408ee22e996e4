/* small_machine.h - a machine with small caches and round numbers, for tests of the simulator. */
#ifndef TESTS_SUPPORT_SMALL_MACHINE_H
#define TESTS_SUPPORT_SMALL_MACHINE_H

/* Two sockets of two cores, which share a last level. */
#define SMALL_MACHINE           \
    "title = small\n"           \
    "sockets = 2\n"             \
    "cores_per_socket = 2\n"    \
    "cores_per_l3 = 2\n"        \
    "tsc_ghz = 1\n"             \
    "l1_bytes = 1K\n"           \
    "l1_ways = 16\n"            \
    "l2_bytes = 2K\n"           \
    "l2_ways = 32\n"            \
    "l3_bytes = 8K\n"           \
    "l3_ways = 16\n"            \
    "l3_half_ms = 0\n"          \
    "instruction_ns = 0.0625\n" \
    "access_ns = 1\n"           \
    "atomic_ns = 5\n"           \
    "atomic_waits = 1\n"        \
    "branch_ns = 6\n"           \
    "clock_ns = 8\n"            \
    "pause_ns = 4\n"            \
    "l2_ns = 10\n"              \
    "l3_ns = 20\n"              \
    "l3_socket_ns = 25\n"       \
    "l3_remote_ns = 80\n"       \
    "core_near_ns = 30\n"       \
    "core_socket_ns = 35\n"     \
    "core_remote_ns = 100\n"    \
    "memory_near_ns = 70\n"     \
    "memory_remote_ns = 120\n"  \
    "memory_gb_per_s = 64\n"    \
    "link_gb_per_s = 32\n"      \
    "spread = 0\n"              \
    "store_buffer = 2\n"        \
    "misses = 4\n"              \
    "window = 10\n"             \
    "page_bytes = 4K\n"         \
    "tlb_entries = 64\n"        \
    "tlb_ways = 4\n"            \
    "walk_ns = 0\n"             \
    "walk_loads = 1\n"          \
    "barrier_ns = 2000\n"       \
    "yield_ns = 300\n"          \
    "wake_ns = 50000\n"

#endif
