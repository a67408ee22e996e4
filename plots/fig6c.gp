# fig6c.gp - Figure 6c: YCSB, read-intensive, over skew. See figure.gp for the variables.
heading = "Figure 6c: YCSB, 16 requests, 95% reads, all cores"
load "plots/figure.gp"
xname = "skew of the keys (zipf theta)"
load "plots/over_categories.gp"
