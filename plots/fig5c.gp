# fig5c.gp - Figure 5c: TPC-C-NP, as many warehouses as threads. See figure.gp for the variables.
heading = "Figure 5c: TPC-C-NP, warehouses = threads"
load "plots/figure.gp"
load "plots/over_threads.gp"
