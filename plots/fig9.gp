# fig9.gp - Figure 9: TPC-C over the interval of garbage collection. See figure.gp for the variables.
heading = "Figure 9: TPC-C, all cores"
load "plots/figure.gp"
xname = "least interval of garbage collection"
xkind = "us"
load "plots/over_log.gp"
