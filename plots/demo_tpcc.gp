# demo_tpcc.gp - TPC-C at 1 and N warehouses over the number of threads.
# Besides style.gp's: note = what the machine did meanwhile, quantity and data, a CSV:
#   "throughput"  columns warehouses, threads, median, min, max; warehouses = "1 N"
#   "mix"         columns setting and committed transactions/s by type, medians: one bar a setting
#   "aborts"      columns setting and aborts by reason in % of all attempts, medians: one bar a setting
load "plots/style.gp"

set xlabel "threads"
set yrange [0:*]
set tmargin 5
set bmargin 9
if (quantity eq "throughput") {
    set title "TPC-C throughput (all five transactions; points: medians, bars: minimum to maximum)\n" . note
    set ylabel "committed transactions (thousand / s)"
    stats data using "threads" nooutput name "threads"
    if (threads_max > 8) {
        set logscale x 2
        set xrange [threads_min * 0.9 : threads_max * 1.1]
    } else {
        set xrange [threads_min - 0.25 : threads_max + 0.25]
        set xtics 1
    }
    set key outside right top Left reverse
    x(i) = column("warehouses") == real(word(warehouses, i)) ? column("threads") * 1.01 ** (i - 2) : NaN
    plot for [i = 1:words(warehouses)] data \
        using (x(i)):(column("median") * 1e-3):(column("min") * 1e-3):(column("max") * 1e-3) \
        with yerrorlines linetype i \
        title word(warehouses, i) . (word(warehouses, i) eq "1" ? " warehouse" : " warehouses")
} else {
    set style data histograms
    set style histogram rowstacked
    set style fill solid 0.9 noborder
    set linetype 7 linecolor rgb "#56B4E9"
    set linetype 8 linecolor rgb "#F0E442"
    set linetype cycle 8
    set boxwidth 0.6
    set xlabel "warehouses / threads"
    set key outside right top Left reverse invert
    if (quantity eq "mix") {
        set title "TPC-C mix: committed transactions by type (medians)\n" . note
        set ylabel "committed transactions (thousand / s)"
        scale = 1e-3
    } else {
        set title "TPC-C aborts by reason (medians)\n" . note
        set ylabel "aborted attempts (% of all attempts)"
        scale = 1
    }
    stats data every ::0::0 using 0 nooutput
    columns = STATS_columns
    plot for [i = 2:columns] data using (column(i) * scale):xtic(1) linetype i - 1 title columnheader(i)
}
