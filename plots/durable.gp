# durable.gp - what a log costs: throughput, committed and acknowledged, and after how long a commit is acknowledged.
# See figure.gp for the variables.
heading = "Durability: YCSB, 16 requests, half of them updates"
width = 620
height = 640
load "plots/figure.gp"
load "plots/categories.gp"
disk = "not known"
set table $unused
plot csv using (text("log_disk") eq "?" ? 0 : (disk = text("log_disk"), 0)) with table
unset table
set label 1 (runs_max == 1 ? "one run each, of " : sprintf("medians of %d runs of ", runs_max)) . window . " s" . \
    (runs_max == 1 ? "" : ", bars: minimum to maximum") . "; all CPUs, no checkpoints\n" . cut(facts, 84) . \
    "\nlog: " . cut(disk, 80) . "\n" . cut(machine, 92) . "\n" . cut(made, 92) at screen 0.02, screen 0.135
short(v) = v >= 1e6 ? sprintf("%.2fM", v / 1e6) : v >= 1e3 ? sprintf("%.0fk", v / 1e3) : sprintf("%.0f", v)
set xtics (word(categories, 1) 1)
do for [p = 2:words(categories)] { set xtics add (word(categories, p) p) }
set xrange [0.5 : place_max + 0.5]
set style fill solid 0.6 border
set style line 40 linecolor rgb "#202020" linewidth 1.5
set multiplot
set lmargin at screen 0.18
set rmargin at screen 0.97
set tmargin at screen 0.92
set bmargin at screen 0.6
set ylabel unit_text offset 0.5, 0
set yrange [0 : speed_max * unit * 1.3]
set key top right Left reverse horizontal
set boxwidth 0.32
left(p) = p - 0.18
right(p) = p + 0.18
span(m) = scaled(m . "_max") - scaled(m . "_min")
is_told(i) = strcol("acknowledged") ne "" # nothing is without a log
told(m) = is_told(0) ? scaled("acknowledged" . m) : NaN
plot data using (left(column("place"))):(scaled("throughput")) with boxes linestyle 21 title "committed", \
    data using (right(column("place"))):(told("")) with boxes linestyle 22 dashtype 1 title "acknowledged", \
    data using (left(column("place"))):(scaled("throughput_min")):(0):(span("throughput")) \
    with vectors heads size 0.05, 90 linestyle 40 notitle, \
    data using (right(column("place"))):(told("_min")):(0):(told("_max") - told("_min")) \
    with vectors heads size 0.05, 90 linestyle 40 notitle, \
    data using (left(column("place"))):(scaled("throughput_max")):(short(column("throughput"))) with labels \
    offset 0, 0.7 font small notitle, \
    data using (right(column("place"))):(told("_max")):(is_told(0) ? short(column("acknowledged")) : "") \
    with labels offset 0, 0.7 font small notitle
unset label 1
unset label 3
unset label 4
set tmargin at screen 0.53
set bmargin at screen 0.25
set key top left reverse horizontal
set logscale y
set xlabel "durability" offset 0, 0.3
set ylabel "acknowledged after" offset -0.5, 0
set yrange [* : *]
set offsets 0, 0, graph 0.35, graph 0.1
set ytics ("1 µs" 1e3, "10 µs" 1e4, "100 µs" 1e5, "1 ms" 1e6, "10 ms" 1e7, "100 ms" 1e8, "1 s" 1e9, "10 s" 1e10)
plot data using "place":"durable_p50":"durable_p50_min":"durable_p50_max" with yerrorbars linestyle 21 dashtype 1 \
    title "half of the commits", \
    data using "place":"durable_p99":"durable_p99_min":"durable_p99_max" with yerrorbars linestyle 22 dashtype 1 \
    title "99%"
unset multiplot
