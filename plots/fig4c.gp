# fig4c.gp - Figure 4c: TPC-C with simple index updates, as many warehouses as threads. See figure.gp for the variables.
heading = "Figure 4c: TPC-C, simple index updates, warehouses = threads"
load "plots/figure.gp"
load "plots/over_threads.gp"
