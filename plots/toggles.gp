# toggles.gp - what each setting changes against the full engine, in percent; one row a setting, one mark a line.
set xlabel "throughput against full engine (%)"
load "plots/categories.gp"
n = words(lines)
# Within rounds, so that the machine's drift drops out; bars are the intervals of the medians.
relative(c) = (column(c) - 1) * 100
stats data using "relative_coverage" nooutput name "coverage"
set label 1 sprintf("medians of the ratios within %d rounds of ", runs_max) . window . " s, bars: their " . \
    sprintf("intervals (%.1f%%)", floor(1000 * coverage_min) / 10.) . "\n" . \
    cut(facts, 84) . "\n" . cut(machine, 92) . "\n" . cut(made, 92)
row(i) = -(column("place") + (n > 1 ? ((i - 1.) / (n - 1) - 0.5) * 0.5 : 0))
name_of(id) = id eq "full" ? "full engine" : id eq "no-wait" ? "no wait: abort on pending" : \
    id eq "skip-pending" ? "no wait: skip pending" : id eq "no-latest" ? "no early abort" : \
    id eq "no-sort" ? "no sorting" : id eq "no-precheck" ? "no pre-check" : id eq "no-boost" ? "no clock boost" : \
    id eq "no-settle" ? "no settling (ours)" : \
    id eq "central" ? "shared counter" : id
unset grid
set grid xtics linecolor rgb "#d0d0d0" linetype 1 linewidth 0.5
set yrange [-place_max - 0.6 : -0.4]
set autoscale x
set offsets graph 0.04, graph 0.04, 0, 0
set arrow 1 from first 0, graph 0 to first 0, graph 1 nohead linecolor rgb "#909090" linewidth 1
set lmargin at screen 0.37
set xtics font small
set ytics font small
set ytics (name_of(word(categories, 1)) -1)
do for [p = 2:words(categories)] { set ytics add (name_of(word(categories, p)) -p) }
# One line a name, between heading and plot.
line_height = 22. / height
set key at screen 0.66, screen 0.92 - line_height * n / 2. center center vertical maxrows n
if (n == 1) unset key
if (n > 1) set tmargin at screen 0.92 - line_height * n - 0.01
plot for [i = 1:n] data using (mine(i) ? relative("relative") : NaN):(row(i)):(relative("relative_low")): \
    (relative("relative_high")) with xerrorbars linestyle style_of(i) dashtype 1 title title_of(word(lines, i))
