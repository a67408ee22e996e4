# fig3a.gp - Figure 3a: TPC-C, 1 warehouse. See figure.gp for the variables.
heading = "Figure 3a: TPC-C, 1 warehouse"
load "plots/figure.gp"
load "plots/over_threads.gp"
