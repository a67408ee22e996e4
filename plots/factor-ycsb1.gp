# factor-ycsb1.gp - The toggles of Table 2 on YCSB with one request a transaction. See figure.gp for the variables.
heading = "Toggles: YCSB, 1 request, 95% reads, theta 0.99"
load "plots/figure.gp"
load "plots/toggles.gp"
