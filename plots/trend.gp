# trend.gp - one series of `maemio trend`: the metrics that it has, over its entries in time, with intervals.
# Given: format, output, data = the series, csv = the results added last.
width = 900
height = 620
load "plots/style.gp"
cut(s, n) = strlen(s) > n ? s[1:n - 1] . "…" : s
set label 1 cut(machine, 110) . "\n" . cut(made, 110)
set label 2 "medians of an entry's runs, bars: interval of the median (of 6 runs or more at least 95%, of 3 runs 75%)" \
    at screen 0.01, screen 0.985 left font ",10" textcolor rgb "#505050"
stats data using 0 nooutput name "entries"
set xrange [-0.5:entries_records - 0.5]
every = ceil(entries_records / 24.) # so many names fit
name_of(i) = int(column(0)) % every ? "" : cut(strcol("commit"), 14)
known(m) = strcol(m) eq "" ? NaN : column(m)
end(m, which) = strcol(m . which) eq "" ? known(m) : column(m . which)
set xtics rotate by -35 left font ",9"
set yrange [0:*]
unset key
set multiplot layout 2, 1 margins 0.11, 0.97, 0.26, 0.92 spacing 0.02, 0.06
set ylabel "thousand txn/s"
set format x ""
speed(which) = end("throughput_txn_per_s", which) / 1000
plot data using 0:(speed("")):(speed("_low")):(speed("_high")) with yerrorlines linetype 1
unset label 1
unset label 2
set format x "%s"
set ylabel "ns a transaction"
cost(which) = end("ns_per_txn", which)
stats data using (strcol("ns_per_txn") eq "" ? 0 : 1) nooutput name "costs" # an open loop has none
if (costs_sum > 0) plot data using 0:(cost("")):(cost("_low")):(cost("_high")):xticlabels(name_of(0)) \
    with yerrorlines linetype 2
unset multiplot
