# contention.gp - settings of the engine side by side: throughput against the first one, aborts, and the back-off's
# bound over time. The ratios are medians over rounds with their intervals: ranges of throughput overlap on a machine
# that drifts, ratios within rounds do not.
height = 720
heading = "Contention settings side by side"
load "plots/figure.gp"
load "plots/categories.gp"
rows = words(categories)
change(c) = (column(c) - 1) * 100
stats data using "relative_coverage" nooutput name "coverage"
stats data using (change("relative_low")):(change("relative_high")) nooutput name "ends"
# At most six tics on this axis: there is no room for more.
fifth = (ends_max_y - ends_min_x) / 5.
decade = fifth > 0 ? 10. ** floor(log10(fifth)) : 1
step = decade * (fifth > 5 * decade ? 10 : fifth > 2 * decade ? 5 : fifth > decade ? 2 : 1)
set label 1 sprintf("left: ratios within %d rounds of ", runs_max) . window . " s, " . \
    sprintf("intervals of %.1f%%; right: medians, least to largest", floor(1000 * coverage_min) / 10.) . "\n" . \
    cut(facts, 84) . "\n" . cut(machine, 92) . "\n" . cut(made, 92)
stats data using (column("aborts_max") * 100) nooutput name "most"
set multiplot
set yrange [-rows - 0.6 : -0.4]
unset grid
set grid xtics linecolor rgb "#d0d0d0" linetype 1 linewidth 0.5
unset key
set lmargin at screen 0.22
set rmargin at screen 0.645
set xtics font small
top = 0.94
bottom = intervals eq "" ? 0.25 : 0.5
set tmargin at screen top
set bmargin at screen bottom
set xlabel "throughput against " . word(categories, 1) . " (%)"
set autoscale x
set offsets graph 0.05, graph 0.05, 0, 0
set xtics step
set ytics font small
set ytics (word(categories, 1) -1)
do for [p = 2:rows] { set ytics add (word(categories, p) -p) }
set arrow 1 from first 0, graph 0 to first 0, graph 1 nohead linecolor rgb "#909090" linewidth 1
plot data using (change("relative")):(-column("place")):(change("relative_low")):(change("relative_high")) \
    with xerrorbars linestyle 21 dashtype 1
unset arrow 1
unset label 1
unset label 3
unset label 4
set lmargin at screen 0.7
set rmargin at screen 0.97
set xlabel "aborted (%)"
set xtics autofreq
if (most_max > 10) set xtics most_max > 50 ? 50 : 10
set xrange [0 : *]
unset ytics
plot data using (column("aborts") * 100):(-column("place")):(column("aborts_min") * 100):(column("aborts_max") * 100) \
    with xerrorbars linestyle 22 dashtype 1
if (intervals ne "") {
    set lmargin at screen 0.13
    set rmargin at screen 0.97
    set tmargin at screen 0.395
    set bmargin at screen 0.235
    set xtics autofreq
    set xlabel "seconds since the window opened (first repetition)"
    set ylabel "back-off bound (µs)"
    set ytics autofreq font small
    set key opaque horizontal
    set grid ytics
    set autoscale
    set offsets 0, 0, graph 0.45, 0
    set yrange [0 : *]
    set key top left
    shown = "default backoff-1us backoff-10us"
    plot for [i = 1:words(shown)] intervals using (strcol("label") eq word(shown, i) && column("repetition") == 1 ? \
        column("begin_s") : NaN):"backoff_max_us" with lines linestyle 20 + i title word(shown, i)
}
unset multiplot
