# space-ycsb.gp - Space: versions beyond the live ones, YCSB. See figure.gp for the variables.
heading = "Versions beyond the live ones, YCSB"
load "plots/figure.gp"
load "plots/space.gp"
