# fig11a.gp - Figure 11a: YCSB, one write-intensive request, over threads. See figure.gp for the variables.
heading = "Figure 11a: YCSB, 1 request, 50% reads, theta 0.99"
load "plots/figure.gp"
load "plots/over_threads.gp"
