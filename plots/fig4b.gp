# fig4b.gp - Figure 4b: TPC-C with simple index updates, 4 warehouses. See figure.gp for the variables.
heading = "Figure 4b: TPC-C, simple index updates, 4 warehouses"
load "plots/figure.gp"
load "plots/over_threads.gp"
