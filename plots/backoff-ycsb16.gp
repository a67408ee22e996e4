# backoff-ycsb16.gp - Back-off on YCSB with 16 requests a transaction. See figure.gp for the variables.
heading = "Back-off: YCSB, 16 requests, 50% reads, theta 0.99"
load "plots/figure.gp"
load "plots/over_backoff.gp"
