# backoff-tpcc1.gp - Back-off on TPC-C with 1 warehouse. See figure.gp for the variables.
heading = "Back-off: TPC-C, 1 warehouse, all cores"
load "plots/figure.gp"
load "plots/over_backoff.gp"
