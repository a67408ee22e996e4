# fig4a.gp - Figure 4a: TPC-C with simple index updates, 1 warehouse. See figure.gp for the variables.
heading = "Figure 4a: TPC-C, simple index updates, 1 warehouse"
load "plots/figure.gp"
load "plots/over_threads.gp"
