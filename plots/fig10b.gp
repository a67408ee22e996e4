# fig10b.gp - Figure 10b: TPC-C-NP over the bound of the back-off. See figure.gp for the variables.
heading = "Figure 10b: TPC-C-NP, 4 warehouses, all cores"
load "plots/figure.gp"
load "plots/over_backoff.gp"
