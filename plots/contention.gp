# contention.gp - settings of the engine side by side: throughput, aborts, and the back-off's bound over time.
height = 720
heading = "Contention settings side by side"
load "plots/figure.gp"
load "plots/categories.gp"
rows = words(categories)
# At most six tics on the axis of throughputs: there is no room for more.
stats data using (scaled("throughput_min")):(scaled("throughput_max")) nooutput name "ends"
fifth = (ends_max_y - ends_min_x) / 5.
decade = fifth > 0 ? 10. ** floor(log10(fifth)) : 1
step = decade * (fifth > 5 * decade ? 10 : fifth > 2 * decade ? 5 : fifth > decade ? 2 : 1)
set multiplot
set yrange [-rows - 0.6 : -0.4]
unset grid
set grid xtics linecolor rgb "#d0d0d0" linetype 1 linewidth 0.5
unset key
set lmargin at screen 0.22
set rmargin at screen 0.645
set xtics font small
top = 0.94
bottom = intervals eq "" ? 0.22 : 0.5
set tmargin at screen top
set bmargin at screen bottom
set xlabel what . " (" . unit_text . ")"
set autoscale x
set offsets graph 0.05, graph 0.05, 0, 0
set xtics step
set ytics font small
set ytics (word(categories, 1) -1)
do for [p = 2:rows] { set ytics add (word(categories, p) -p) }
plot data using (scaled("throughput")):(-column("place")):(scaled("throughput_min")):(scaled("throughput_max")) \
    with xerrorbars linestyle 21 dashtype 1
unset label 1
unset label 3
set lmargin at screen 0.7
set rmargin at screen 0.97
set xlabel "aborted (%)"
set xtics autofreq
set xrange [0 : *]
unset ytics
plot data using (column("aborts") * 100):(-column("place")):(column("aborts_min") * 100):(column("aborts_max") * 100) \
    with xerrorbars linestyle 22 dashtype 1
if (intervals ne "") {
    set lmargin at screen 0.13
    set rmargin at screen 0.97
    set tmargin at screen 0.395
    set bmargin at screen 0.21
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
