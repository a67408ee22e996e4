# fig10a.gp - Figure 10a: TPC-C over the bound of the back-off. See figure.gp for the variables.
heading = "Figure 10a: TPC-C, 4 warehouses, all cores"
load "plots/figure.gp"
load "plots/over_backoff.gp"
