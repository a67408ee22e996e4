# over_threads.gp - throughput over the number of threads; where there are more threads than CPUs the ground is grey.
set xlabel "threads"
set ylabel what . " (" . unit_text . ")"
stats data using "x" nooutput name "x"
stats data using (column("oversubscribed") == 0 ? column("x") : 0) nooutput name "fit"
if (x_max > fit_max) {
    edge = fit_max + (x_max - fit_max) * 0.3
    set object 1 rectangle from first edge, graph 0 to graph 1, graph 1 fillcolor rgb "#ececec" fillstyle solid \
        noborder behind
    set label 2 "oversubscribed" at graph 0.985, graph 0.965 right font tiny textcolor rgb "#505050"
}
set xrange [0 : x_max * 1.06]
if (x_max <= 16) set xtics 1
if (x_max > 16 && x_max <= 64) set xtics 4
set yrange [0 : speed_max * unit * (many ? 1.15 : headroom)]
plot for [i = 1:words(lines)] data using (mine(i) ? column("x") : NaN):(scaled(metric)):(scaled(metric . "_min")): \
    (scaled(metric . "_max")) with yerrorlines linestyle style_of(i) title title_of(word(lines, i))
