# fig5b.gp - Figure 5b: TPC-C-NP, 4 warehouses. See figure.gp for the variables.
heading = "Figure 5b: TPC-C-NP, 4 warehouses"
load "plots/figure.gp"
load "plots/over_threads.gp"
