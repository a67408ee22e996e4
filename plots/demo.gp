# demo.gp - YCSB over the number of threads, one panel a degree of contention, one line a series.
# Besides style.gp's: data = CSV of scripts/aggregate with columns label, wl_theta, threads, median, min, max; quantity
# = "throughput" or "aborts"; records = of the table, as text; note = what the machine did meanwhile. Points are
# medians, bars reach from minimum to maximum.
load "plots/style.gp"

if (quantity eq "throughput") {
    scale = 1e-3
    heading = "YCSB throughput over threads"
    set ylabel "committed transactions (thousand / s)"
    series = "native native-nobackoff bare"
} else {
    scale = 100
    heading = "YCSB aborts over threads"
    set ylabel "aborted attempts (% of all attempts)"
    series = "native native-nobackoff"
}
title_of(s) = s eq "native" ? "Maemio, adaptive back-off" : s eq "native-nobackoff" ? "Maemio, no back-off" : \
              s eq "bare" ? "bare: same index and rows, no concurrency control, not transactional" : s

stats data using "threads" nooutput name "threads"
if (threads_max > 8) {
    set logscale x 2
    set xrange [threads_min * 0.9 : threads_max * 1.1]
} else {
    set xrange [threads_min - 0.25 : threads_max + 0.25]
    set xtics 1
}
set xlabel "threads"
set yrange [0:*]
# Lines stand a little beside each other, so that their bars can be told apart.
x(i, t) = (strcol("label") eq word(series, i) && column("wl_theta") == t) ? column("threads") * 1.01 ** (i - 2) : NaN

set multiplot layout 1, 2 \
    title heading . ", " . records . " records (points: medians, bars: minimum to maximum)\n" . note \
    font "DejaVu Sans,13" margins 0.08, 0.98, 0.21 + caption_height, 0.84 spacing 0.09, 0.1
set key at screen 0.5, screen 0.15 center center vertical maxrows 3
do for [t in "0.99 0"] {
    set title t eq "0" ? "uncontended: uniform keys (theta 0)" : "contended: zipfian keys (theta " . t . ")"
    plot for [i = 1:words(series)] data \
        using (x(i, real(t))):(column("median") * scale):(column("min") * scale):(column("max") * scale) \
        with yerrorlines linetype i title title_of(word(series, i))
    unset label 1
    unset key
}
unset multiplot
