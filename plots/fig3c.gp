# fig3c.gp - Figure 3c: TPC-C, as many warehouses as threads. See figure.gp for the variables.
heading = "Figure 3c: TPC-C, warehouses = threads"
load "plots/figure.gp"
load "plots/over_threads.gp"
