# fig11b.gp - Figure 11b: YCSB, one write-intensive request a transaction, over skew. See figure.gp for the variables.
heading = "Figure 11b: YCSB, 1 request, 50% reads, all cores"
load "plots/figure.gp"
xname = "skew of the keys (zipf theta)"
load "plots/over_categories.gp"
