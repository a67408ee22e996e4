# fig6b.gp - Figure 6b: YCSB, write-intensive, over skew. See figure.gp for the variables.
heading = "Figure 6b: YCSB, 16 requests, 50% reads, all cores"
load "plots/figure.gp"
xname = "skew of the keys (zipf theta)"
load "plots/over_categories.gp"
