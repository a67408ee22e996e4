# factor-tpcc.gp - The toggles of Table 2 on TPC-C and TPC-C-NP. See figure.gp for the variables.
height = 560
heading = "Toggles: TPC-C and TPC-C-NP, all cores"
load "plots/figure.gp"
load "plots/toggles.gp"
