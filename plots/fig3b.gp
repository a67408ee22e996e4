# fig3b.gp - Figure 3b: TPC-C, 4 warehouses. See figure.gp for the variables.
heading = "Figure 3b: TPC-C, 4 warehouses"
load "plots/figure.gp"
load "plots/over_threads.gp"
