# fig11c.gp - Figure 11c: YCSB, one read-intensive request a transaction, over skew. See figure.gp for the variables.
heading = "Figure 11c: YCSB, 1 request, 95% reads, all cores"
load "plots/figure.gp"
xname = "skew of the keys (zipf theta)"
load "plots/over_categories.gp"
