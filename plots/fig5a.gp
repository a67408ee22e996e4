# fig5a.gp - Figure 5a: TPC-C-NP, 1 warehouse. See figure.gp for the variables.
heading = "Figure 5a: TPC-C-NP, 1 warehouse"
load "plots/figure.gp"
load "plots/over_threads.gp"
