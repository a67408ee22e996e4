# factor-uniform.gp - The toggles of Table 2 without contention. See figure.gp for the variables.
heading = "Toggles: YCSB, 16 requests, 50% reads, uniform"
load "plots/figure.gp"
load "plots/toggles.gp"
