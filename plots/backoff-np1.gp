# backoff-np1.gp - Back-off on TPC-C-NP with 1 warehouse. See figure.gp for the variables.
heading = "Back-off: TPC-C-NP, 1 warehouse, all cores"
load "plots/figure.gp"
load "plots/over_backoff.gp"
