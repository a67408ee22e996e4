# latency.gp - share of transactions that took at most so long, from the histograms of all workers and repetitions.
# Besides figure.gp's: latencies = the dump of --latency-csv.
height = 560
load "plots/figure.gp"
if (latencies eq "") { print "latency.gp: the run left no latency.csv"; exit status 1 }
set label 1 "histograms of all workers and repetitions together\n" . \
    cut(facts, 84) . "\n" . cut(machine, 92) . "\n" . cut(made, 92)
set multiplot layout 2, 1 margins 0.15, 0.94, 0.25, 0.92 spacing 0.1, 0.15
set yrange [0 : 1]
set ytics ("0" 0, "20" 0.2, "40" 0.4, "60" 0.6, "80" 0.8, "100" 1)
set xrange [0.1 : *]
set logscale x
set xtics ("100 ns" 0.1, "1 µs" 1, "10 µs" 10, "100 µs" 100, "1 ms" 1000, "10 ms" 10000, "100 ms" 100000)
set ylabel "transactions (%)"
set key bottom right
bucket_of(p, w) = strcol("label") eq p . w && strcol("quantity") eq "service_ns" && strcol("row") eq "bucket"
do for [p in "np- tpcc-"] {
    set title p eq "np-" ? "Latency of TPC-C-NP, all cores" : "Latency of TPC-C, all cores"
    set xlabel p eq "np-" ? "" : "latency, from the begin of the first attempt to the commit"
    plot for [i = 1:3] latencies using (bucket_of(p, word("1 4 threads", i)) ? column("high") / 1000. : NaN): \
        "count" smooth cnormal with lines linestyle 20 + i notitle, \
        for [i = 1:3] NaN with lines linestyle 20 + i title title_of("warehouses-" . word("1 4 threads", i))
    unset label 1
}
unset multiplot
