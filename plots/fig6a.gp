# fig6a.gp - Figure 6a: YCSB, write-intensive, contended, over threads. See figure.gp for the variables.
heading = "Figure 6a: YCSB, 16 requests, 50% reads, theta 0.99"
load "plots/figure.gp"
load "plots/over_threads.gp"
