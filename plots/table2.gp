# table2.gp - Table 2: what each optimisation is worth. See figure.gp for the variables.
heading = "Table 2: YCSB, 16 requests, 50% reads, theta 0.99"
load "plots/figure.gp"
load "plots/toggles.gp"
