# timestamps.gp - Figure 7's text: clock per worker against one shared counter. See figure.gp for the variables.
heading = "Timestamps: YCSB, 1 request, 95% reads, theta 0.99"
load "plots/figure.gp"
load "plots/over_threads.gp"
