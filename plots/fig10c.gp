# fig10c.gp - Figure 10c: YCSB, one request a transaction, over the back-off. See figure.gp for the variables.
heading = "Figure 10c: YCSB, 1 request, 50% reads, theta 0.99, all cores"
load "plots/figure.gp"
load "plots/over_backoff.gp"
