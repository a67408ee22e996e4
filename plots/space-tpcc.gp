# space-tpcc.gp - Space: versions beyond the live ones, TPC-C. See figure.gp for the variables.
heading = "Versions beyond the live ones, TPC-C"
load "plots/figure.gp"
load "plots/space.gp"
