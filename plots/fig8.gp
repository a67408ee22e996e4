# fig8.gp - Figure 8: YCSB over record size, with and without inlining. See figure.gp for the variables.
heading = "Figure 8: YCSB, 16 requests, 95% reads, uniform, all cores"
load "plots/figure.gp"
xname = "record size (bytes)"
xkind = "bytes"
if (!many) set key top right
load "plots/over_log.gp"
