# gc-np.gp - TPC-C-NP over the interval of garbage collection. See figure.gp for the variables.
heading = "TPC-C-NP over the GC interval, all cores"
load "plots/figure.gp"
xname = "least interval of garbage collection"
xkind = "us"
load "plots/over_log.gp"
