# fig7.gp - Figure 7: YCSB, one request a transaction, over threads. See figure.gp for the variables.
heading = "Figure 7: YCSB, 1 request, 95% reads, theta 0.99"
load "plots/figure.gp"
load "plots/over_threads.gp"
